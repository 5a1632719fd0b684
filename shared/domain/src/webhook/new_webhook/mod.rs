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
mod tests;
