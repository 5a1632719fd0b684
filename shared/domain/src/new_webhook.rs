//! What a client writes to a webhook, read and judged.
//!
//! All that is wrong is told at once, field by field, in the words of the API. A change
//! is judged by what it says; a new webhook is a change to nothing that must name a
//! topic and an address.

use serde_json::{Map, Value};

use crate::{
    Address, AddressError, AddressPolicy, CustomHeaders, FieldErrors, Format, HeaderPrefix, Protocol, Status,
    TopicPattern, Webhook, catalogue,
};

/// The most entries, and the most bytes of each, in `fields` and `metafield_namespaces`: both
/// lists together stay well within a DynamoDB item's 400 KB.
pub const LIST_LIMIT: usize = 250;

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
        let patch = read(attributes, rules, None, &mut errors);
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
    /// Reads a change to `current` from the `webhook` object of a request. A client that sends
    /// every attribute back may send back a status that only we set.
    pub fn parse(
        attributes: &Map<String, Value>,
        rules: &WebhookRules,
        current: &Webhook,
    ) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let patch = read(attributes, rules, Some(current), &mut errors);
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

const BLANK: &str = "can't be blank";
const INVALID: &str = "is invalid";
const NOT_IN_LIST: &str = "is not included in the list";
const NOT_A_SHORT_LIST: &str =
    "must be a list of at most 250 strings of at most 250 bytes, without control characters";

fn refuse_blank_topic(errors: &mut FieldErrors) {
    errors.add("topic", BLANK);
    errors.add("topic", catalogue::not_allowed_message());
}

fn read(
    attributes: &Map<String, Value>,
    rules: &WebhookRules,
    current: Option<&Webhook>,
    errors: &mut FieldErrors,
) -> WebhookPatch {
    let current_status = current.map(|webhook| webhook.status);
    let status_of = |name: &str| {
        let is_unchanged = current_status.is_some_and(|status| status.as_str() == name);
        if is_unchanged { current_status } else { Status::from_writable_name(name) }
    };
    WebhookPatch {
        topic: attributes.get("topic").and_then(|value| topic(value, errors)),
        address: attributes.get("address").and_then(|value| address(value, &rules.address_policy, errors)),
        format: choice(attributes, "format", Format::from_name, errors),
        protocol: choice(attributes, "protocol", Protocol::from_name, errors),
        status: choice(attributes, "status", status_of, errors),
        fields: list(attributes, "fields", errors),
        metafield_namespaces: list(attributes, "metafield_namespaces", errors),
        custom_headers: present(attributes, "custom_headers").and_then(|value| {
            errors.collect("custom_headers", CustomHeaders::parse(value, &rules.header_prefix))
        }),
    }
}

fn topic(value: &Value, errors: &mut FieldErrors) -> Option<TopicPattern> {
    match value {
        Value::Null => refuse_blank_topic(errors),
        Value::String(text) if text.trim().is_empty() => refuse_blank_topic(errors),
        Value::String(text) => match TopicPattern::parse(text) {
            Ok(topic) => return Some(topic),
            Err(_) => errors.add("topic", catalogue::not_allowed_message()),
        },
        _ => errors.add("topic", INVALID),
    }
    None
}

fn address(value: &Value, policy: &AddressPolicy, errors: &mut FieldErrors) -> Option<Address> {
    match value {
        Value::Null => errors.add("address", BLANK),
        Value::String(text) if text.trim().is_empty() => errors.add("address", BLANK),
        Value::String(text) => {
            let allowed = Address::parse(text).and_then(|address| {
                if address.is_refused_by(policy) { Err(AddressError::NotAllowed) } else { Ok(address) }
            });
            return errors.collect("address", allowed);
        }
        _ => errors.add("address", INVALID),
    }
    None
}

/// One of a few words; null is as if it were not said.
fn choice<T>(
    attributes: &Map<String, Value>,
    field: &'static str,
    from_name: impl Fn(&str) -> Option<T>,
    errors: &mut FieldErrors,
) -> Option<T> {
    let value = present(attributes, field)?;
    errors.collect(field, value.as_str().and_then(from_name).ok_or(NOT_IN_LIST))
}

/// A list of short strings; null is as if it were not said.
fn list(
    attributes: &Map<String, Value>,
    field: &'static str,
    errors: &mut FieldErrors,
) -> Option<Vec<String>> {
    let value = present(attributes, field)?;
    let texts = value
        .as_array()
        .and_then(|values| values.iter().map(|value| value.as_str().map(str::to_owned)).collect());
    let texts: Option<Vec<String>> = texts;
    let is_plain = |text: &String| text.len() <= LIST_LIMIT && !text.chars().any(char::is_control);
    let short = texts.filter(|texts| texts.len() <= LIST_LIMIT && texts.iter().all(is_plain));
    errors.collect(field, short.ok_or(NOT_A_SHORT_LIST))
}

fn present<'a>(attributes: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    attributes.get(field).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            ("fields", json!(7), NOT_A_SHORT_LIST),
            ("fields", json!([7]), NOT_A_SHORT_LIST),
            ("fields", json!(["id\0"]), NOT_A_SHORT_LIST),
            ("fields", json!(vec!["id"; LIST_LIMIT + 1]), NOT_A_SHORT_LIST),
            ("metafield_namespaces", json!("a"), NOT_A_SHORT_LIST),
            ("metafield_namespaces", json!(["x".repeat(LIST_LIMIT + 1)]), NOT_A_SHORT_LIST),
            ("custom_headers", json!({"Host": "a"}), "may not set Host"),
        ] {
            let mut attributes = json!({"topic": "orders/create", "address": "https://a.example/"});
            attributes[field] = value;
            assert_eq!(errors_of(attributes.clone()), json!({field: [message]}), "{attributes}");
        }
    }

    #[test]
    fn null_is_the_default_for_what_has_one() {
        let attributes =
            json!({"topic": "order:new", "address": "https://a.example/", "format": null, "fields": null});
        assert_eq!(errors_of(attributes), json!({}));
    }
}
