//! What stands in the form of a webhook, and the JSON that it means.

use serde_json::{Map, Value};
use storehook_domain::{
    input::field_errors::FieldErrors,
    webhook::{
        Format, Protocol,
        custom_headers::{CustomHeadersError, MASK},
    },
};

use crate::{panel::fields::Fields, webhooks::responses::WebhookProperties};

/// The texts of the form's fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) topic: String,
    pub(crate) address: String,
    pub(crate) format: String,
    pub(crate) protocol: String,
    /// Names, on lines of their own or with commas between.
    pub(crate) fields: String,
    /// Names, as in `fields`.
    pub(crate) metafield_namespaces: String,
    /// A line for each header: `Name: value`.
    pub(crate) custom_headers: String,
}

impl Draft {
    /// The form of a new webhook, with the defaults of the API.
    pub(crate) fn new() -> Self {
        let (format, protocol) = (Format::default().as_str(), Protocol::default().as_str());
        Self { format: format.to_owned(), protocol: protocol.to_owned(), ..Self::default() }
    }

    /// The form of a webhook as it is. Values of custom headers are masks.
    pub(crate) fn of(webhook: &WebhookProperties<'_>) -> Self {
        let headers: Vec<_> = webhook.custom_headers.names().map(|name| format!("{name}: {MASK}")).collect();
        Self {
            topic: webhook.topic.to_owned(),
            address: webhook.address.to_owned(),
            format: webhook.format.to_owned(),
            protocol: webhook.protocol.to_owned(),
            fields: webhook.fields.join("\n"),
            metafield_namespaces: webhook.metafield_namespaces.join("\n"),
            custom_headers: headers.join("\n"),
        }
    }

    /// The form with what a query fills in: nothing that may be a secret.
    pub(crate) fn prefilled(self, query: &Fields) -> Self {
        Self { topic: query.get("topic").to_owned(), address: query.get("address").to_owned(), ..self }
    }

    /// The form with what was typed. White space around a topic or an address is dropped: it comes
    /// from copying.
    pub(crate) fn typed(&self, form: &Fields) -> Self {
        let text = |name, before: &String| {
            if form.has(name) { form.get(name).to_owned() } else { before.clone() }
        };
        Self {
            topic: text("topic", &self.topic).trim().to_owned(),
            address: text("address", &self.address).trim().to_owned(),
            format: text("format", &self.format),
            protocol: text("protocol", &self.protocol),
            fields: text("fields", &self.fields),
            metafield_namespaces: text("metafield_namespaces", &self.metafield_namespaces),
            custom_headers: text("custom_headers", &self.custom_headers),
        }
    }

    /// Each field's name and text.
    pub(crate) fn texts(&self) -> [(&'static str, &str); 7] {
        [
            ("topic", &self.topic),
            ("address", &self.address),
            ("format", &self.format),
            ("protocol", &self.protocol),
            ("fields", &self.fields),
            ("metafield_namespaces", &self.metafield_namespaces),
            ("custom_headers", &self.custom_headers),
        ]
    }

    /// The attributes that differ from the form as it was shown, as the API takes them, and what is
    /// wrong with lines that no JSON can stand for.
    pub(crate) fn attributes(&self, before: &Self) -> (Map<String, Value>, FieldErrors) {
        let (mut attributes, mut errors) = (Map::new(), FieldErrors::default());
        for (name, text, text_before) in [
            ("topic", &self.topic, &before.topic),
            ("address", &self.address, &before.address),
            ("format", &self.format, &before.format),
            ("protocol", &self.protocol, &before.protocol),
        ] {
            if text != text_before {
                attributes.insert(name.to_owned(), text.as_str().into());
            }
        }
        for (name, text, text_before) in [
            ("fields", &self.fields, &before.fields),
            ("metafield_namespaces", &self.metafield_namespaces, &before.metafield_namespaces),
        ] {
            if text != text_before {
                attributes.insert(name.to_owned(), names(text, text_before).collect());
            }
        }
        if self.custom_headers != before.custom_headers
            && let Some(headers) = errors.collect("custom_headers", headers(&self.custom_headers))
        {
            attributes.insert("custom_headers".to_owned(), headers.into());
        }
        (attributes, errors)
    }
}

/// The names in a text, with commas or line breaks between. A line that was there `before` is one
/// name, because names may have commas.
pub(crate) fn names<'a>(text: &'a str, before: &str) -> impl Iterator<Item = &'a str> {
    let is_known = move |line| lines(before).any(|known| known == line);
    let names = lines(text).flat_map(move |line| {
        let (whole, parts) = if is_known(line) { (Some(line), "") } else { (None, line) };
        whole.into_iter().chain(parts.split(','))
    });
    names.map(str::trim).filter(|name| !name.is_empty())
}

/// The lines with something on them.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// Reads a line for each header. A line without a colon has no value, and a name that is there twice
/// has no place in a JSON object.
fn headers(text: &str) -> Result<Map<String, Value>, CustomHeadersError> {
    let mut headers = Map::new();
    for line in lines(text) {
        let (name, value) = line.split_once(':').ok_or_else(|| CustomHeadersError::Value(line.to_owned()))?;
        let name = name.trim_end();
        if headers.insert(name.to_owned(), value.trim_start().into()).is_some() {
            return Err(CustomHeadersError::Name(name.to_owned()));
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;
    use crate::{
        panel::webhooks::sample::webhook_with,
        webhooks::{health::WebhookHealth, responses::WebhookResponse},
    };

    fn typed(before: &Draft, form: &str) -> (Value, Value) {
        let draft = before.typed(&Fields::parse(form.as_bytes()));
        let (attributes, errors) = draft.attributes(before);
        (attributes.into(), json!(errors))
    }

    #[test]
    fn a_new_webhook_has_the_attributes_that_were_typed() {
        for (form, attributes, errors) in [
            ("", json!({}), json!({})),
            (
                "topic=+orders/create&address=https://a.example/%0A&format=json&protocol=webhook&fields=&custom_headers=",
                json!({"topic": "orders/create", "address": "https://a.example/"}),
                json!({}),
            ),
            (
                "format=xml&protocol=integration&fields=id,+name%0D%0A%0D%0Aemail,&metafield_namespaces=a",
                json!({
                    "format": "xml", "protocol": "integration", "fields": ["id", "name", "email"],
                    "metafield_namespaces": ["a"],
                }),
                json!({}),
            ),
            (
                "custom_headers=X-A:+b:+c+%0AX-B:%0A",
                json!({"custom_headers": {"X-A": "b: c", "X-B": ""}}),
                json!({}),
            ),
            (
                "topic=*&custom_headers=X-A",
                json!({"topic": "*"}),
                json!({"custom_headers": ["has an invalid value for X-A"]}),
            ),
            (
                "custom_headers=X-A:1%0AX-A+:2",
                json!({}),
                json!({"custom_headers": ["has an invalid name: X-A"]}),
            ),
        ] {
            assert_eq!(typed(&Draft::new(), form), (attributes, errors), "{form}");
        }
    }

    #[test]
    fn a_change_leaves_out_what_nobody_touched() -> serde_json::Result<()> {
        let attributes = json!({"fields": ["a,b", "c"], "custom_headers": {"X-Key": "s3cret", "X-B": "1"}});
        let webhook = webhook_with("order:new", "https://a.example/", attributes)?;
        let before = Draft::of(
            &WebhookResponse::of(&webhook, &WebhookHealth::default(), &TimeZone::UTC, None)
                .webhook
                .properties,
        );
        assert_eq!(before.custom_headers, "X-Key: ***\nX-B: ***");
        let untouched = "fields=a,b%0D%0Ac&custom_headers=X-Key:+***%0D%0AX-B:+***&topic=order:new";
        assert_eq!(typed(&before, untouched), (json!({}), json!({})));
        let (more, _) = typed(&before, "fields=a,b%0D%0Ac,d");
        assert_eq!(more, json!({"fields": ["a,b", "c", "d"]}));
        let (changed, _) = typed(&before, "topic=&custom_headers=X-Key:+***");
        assert_eq!(changed, json!({"topic": "", "custom_headers": {"X-Key": "***"}}));
        Ok(())
    }

    #[test]
    fn a_query_fills_in_no_secrets() {
        let query = Fields::parse(b"topic=orders/*&address=https://a.example/&custom_headers=X-Key:+1");
        let draft = Draft::new().prefilled(&query);
        let expected =
            Draft { topic: "orders/*".to_owned(), address: "https://a.example/".to_owned(), ..Draft::new() };
        assert_eq!(draft, expected);
    }
}
