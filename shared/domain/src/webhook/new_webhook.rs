//! What a client writes to a webhook, read and judged.
//!
//! All that is wrong is told at once, field by field, in the words of the API. A change
//! is judged by what it says; a new webhook is a change to nothing that must name a
//! topic and an address.

use serde_json::{Map, Value};

use crate::{
    event::topic::TopicPattern,
    input::field_errors::FieldErrors,
    webhook::{
        Format, Protocol, Status, Webhook,
        address::Address,
        address_policy::AddressPolicy,
        attributes::{BLANK, address, choice, list, present, refuse_blank_topic, topic},
        custom_headers::CustomHeaders,
        header_prefix::HeaderPrefix,
    },
};

/// What an operator lets webhooks name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookRules {
    /// The addresses that deliveries may reach.
    pub address_policy: AddressPolicy,
    /// What the platform's own header names begin with.
    pub header_prefix: HeaderPrefix,
}

/// A webhook to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// What it subscribes to.
    pub topic: TopicPattern,
    /// Where its deliveries go.
    pub address: Address,
    /// The rest, with what was left out at its default.
    pub rest: WebhookPatch,
}

/// What a client writes to a webhook. `None` is what it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookPatch {
    /// What it subscribes to.
    pub topic: Option<TopicPattern>,
    /// Where its deliveries go.
    pub address: Option<Address>,
    /// The format of its bodies.
    pub format: Option<Format>,
    /// What its endpoint is expected to answer.
    pub protocol: Option<Protocol>,
    /// Whether it gets deliveries.
    pub status: Option<Status>,
    /// The payload keys that it gets.
    pub fields: Option<Vec<String>>,
    /// The namespaces of the metafields that it gets.
    pub metafield_namespaces: Option<Vec<String>>,
    /// Headers of its own.
    pub custom_headers: Option<CustomHeaders>,
}

impl NewWebhook {
    /// Reads a new webhook from the `webhook` object of a request.
    pub fn parse(attributes: &Map<String, Value>, rules: &WebhookRules) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let patch = read(attributes, rules, &mut errors);
        // What is not said at all is blank too.
        if !attributes.contains_key("topic") {
            refuse_blank_topic(&mut errors);
        }
        if !attributes.contains_key("address") {
            errors.add("address", BLANK);
        }
        match (patch.topic.clone(), patch.address.clone()) {
            (Some(topic), Some(address)) if errors.is_empty() => Ok(Self { topic, address, rest: patch }),
            _ => Err(errors),
        }
    }
}

impl WebhookPatch {
    /// Reads a change to `current` from the `webhook` object of a request. Clients send every
    /// attribute back: what is as it was is not judged again, though it could not be written now.
    pub fn parse(
        attributes: &Map<String, Value>,
        rules: &WebhookRules,
        current: &Webhook,
    ) -> Result<Self, FieldErrors> {
        let is_new = |(name, value): &(&String, &Value)| !is_as_it_was(current, name, value);
        let said = attributes.iter().filter(is_new).map(|(name, value)| (name.clone(), value.clone()));
        let mut errors = FieldErrors::default();
        let patch = read(&said.collect(), rules, &mut errors);
        errors.or(patch)
    }

    /// Writes the change to a webhook.
    pub fn apply_to(self, webhook: &mut Webhook) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut webhook.topic, self.topic);
        set(&mut webhook.address, self.address);
        set(&mut webhook.format, self.format);
        set(&mut webhook.protocol, self.protocol);
        set(&mut webhook.status, self.status);
        set(&mut webhook.fields, self.fields);
        set(&mut webhook.metafield_namespaces, self.metafield_namespaces);
        set(&mut webhook.custom_headers, self.custom_headers);
    }
}

/// Whether an attribute says what the webhook has already, of those whose judgement may have changed
/// since it was written: by us (`disabled`), or by the operator.
fn is_as_it_was(current: &Webhook, name: &str, value: &Value) -> bool {
    match name {
        "status" => value == current.status.as_str(),
        "address" => value == current.address.as_str(),
        "custom_headers" => *value == serde_json::json!(current.custom_headers),
        _ => false,
    }
}

fn read(attributes: &Map<String, Value>, rules: &WebhookRules, errors: &mut FieldErrors) -> WebhookPatch {
    WebhookPatch {
        topic: attributes.get("topic").and_then(|value| topic(value, errors)),
        address: attributes.get("address").and_then(|value| address(value, &rules.address_policy, errors)),
        format: choice(attributes, "format", Format::from_name, errors),
        protocol: choice(attributes, "protocol", Protocol::from_name, errors),
        status: choice(attributes, "status", Status::from_writable_name, errors),
        fields: list(attributes, "fields", errors),
        metafield_namespaces: list(attributes, "metafield_namespaces", errors),
        custom_headers: present(attributes, "custom_headers").and_then(|value| {
            errors.collect("custom_headers", CustomHeaders::parse(value, &rules.header_prefix))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::catalogue;
    use crate::webhook::attributes::LIST_LIMIT;

    fn errors_of(attributes: Value) -> Value {
        let attributes = attributes.as_object().cloned().unwrap_or_default();
        match NewWebhook::parse(&attributes, &WebhookRules::default()) {
            Ok(_) => json!({}),
            Err(errors) => json!(errors),
        }
    }

    #[test]
    fn a_webhook_needs_a_topic_and_an_address_and_hears_of_both_at_once() {
        let blank = json!({"topic": ["can't be blank", catalogue::not_allowed_message()], "address": ["can't be blank"]});
        for attributes in [
            json!({"body": "foobar"}),
            json!({"topic": "", "address": ""}),
            json!({"topic": " \t", "address": "\n"}),
            json!({"topic": null, "address": null}),
        ] {
            assert_eq!(errors_of(attributes.clone()), blank, "{attributes}");
        }
    }

    #[test]
    fn every_field_is_judged_in_the_words_of_the_api() {
        let list = "must be a list of strings without control characters";
        let too_long = "is too long (maximum is 2048 bytes of JSON)";
        for (field, value, message) in [
            ("topic", json!("orders/exploded"), catalogue::not_allowed_message().as_str()),
            ("topic", json!({}), "is invalid"),
            ("address", json!("nonsense"), "is invalid"),
            ("address", json!(7), "is invalid"),
            ("address", json!("ftp://a.example/"), "protocol ftp:// is not supported"),
            ("address", json!("http://169.254.169.254/"), "is not allowed"),
            (
                "address",
                json!(format!("http://a.example/{}", "x".repeat(2_048))),
                "is too long (maximum is 2048 characters)",
            ),
            ("format", json!("yaml"), "is not included in the list"),
            ("format", json!(7), "is not included in the list"),
            ("protocol", json!("smtp"), "is not included in the list"),
            ("status", json!("disabled"), "is not included in the list"),
            ("fields", json!(7), list),
            ("fields", json!([7]), list),
            ("fields", json!(["id\0"]), list),
            ("fields", json!(vec!["id"; LIST_LIMIT]), too_long),
            ("metafield_namespaces", json!("a"), list),
            ("metafield_namespaces", json!(["x".repeat(LIST_LIMIT - 3)]), too_long),
            ("custom_headers", json!({"Host": "a"}), "may not set Host"),
        ] {
            let mut attributes = json!({"topic": "orders/create", "address": "https://a.example/"});
            attributes[field] = value;
            assert_eq!(errors_of(attributes.clone()), json!({field: [message]}), "{attributes}");
        }
    }

    #[test]
    fn what_is_as_it_was_is_not_judged_again() -> Result<(), Box<dyn std::error::Error>> {
        // It was disabled by us, and its address and header were closed by the operator since.
        let current = json!({
            "id": 7, "shop": "a.example", "app": "demo", "topic": "orders/create", "address": "http://10.0.0.1/",
            "format": "json", "protocol": "webhook", "status": "disabled", "fields": [], "metafield_namespaces": [],
            "custom_headers": {"X-Acme-Key": "a"}, "created_at": "2026-11-21T15:00:00Z",
            "updated_at": "2026-11-21T15:00:00Z", "version": 1,
        });
        let webhook: Webhook = serde_json::from_value(current.clone())?;
        let rules = WebhookRules { header_prefix: HeaderPrefix::parse("X-Acme")?, ..WebhookRules::default() };
        for (name, value, errors) in [
            ("fields", json!(["id"]), json!({})),
            ("status", json!("active"), json!({})),
            ("status", json!("DISABLED"), json!({"status": ["is not included in the list"]})),
            ("address", json!("http://10.0.0.1/2"), json!({"address": ["is not allowed"]})),
            (
                "custom_headers",
                json!({"X-Acme-Key": "b"}),
                json!({"custom_headers": ["may not set X-Acme-Key"]}),
            ),
        ] {
            let mut sent_back = current.as_object().cloned().unwrap_or_default();
            sent_back.insert(name.to_owned(), value);
            let patch = WebhookPatch::parse(&sent_back, &rules, &webhook);
            assert_eq!(json!(patch.clone().err().unwrap_or_default()), errors, "{name}");
            let mut changed = webhook.clone();
            patch.unwrap_or_default().apply_to(&mut changed);
            let expected =
                if name == "status" && errors == json!({}) { Status::Active } else { Status::Disabled };
            assert_eq!(changed.status, expected, "{name}");
        }
        Ok(())
    }

    /// A Lambda answer has 6 MB at most (AWS Lambda quotas), and carries the body as a JSON string, in
    /// which each quote and each backslash takes another byte.
    #[test]
    fn a_page_of_the_longest_webhooks_fits_into_a_lambda_answer() {
        // Four bytes for a character of an address: as UTF-8, or as an escape that is escaped.
        let longest = 4 * crate::webhook::address::ADDRESS_LIMIT
            + 2 * (2 * LIST_LIMIT + crate::webhook::custom_headers::JSON_LIMIT)
            + 1_024;
        assert!(longest * crate::input::query_parameters::PAGE_LIMIT < 6 * 1_000_000, "{longest}");
    }

    #[test]
    fn null_is_the_default_for_what_has_one() {
        let attributes =
            json!({"topic": "order:new", "address": "https://a.example/", "format": null, "fields": null});
        assert_eq!(errors_of(attributes), json!({}));
    }
}
