//! New webhooks and changes, as clients write them.
//!
//! The readers find all errors at once, field by field, in the words of the API. A change may leave
//! out any attribute. A new webhook is a change with a topic and an address.

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

/// The operator's settings that limit what a webhook may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookRules {
    /// The addresses that deliveries may reach.
    pub address_policy: AddressPolicy,
    /// What clients are told besides where the policy refuses an address.
    pub address_hint: Option<String>,
    /// The prefix of the platform's own headers.
    pub header_prefix: HeaderPrefix,
}

/// A webhook to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// The topic or pattern to subscribe to.
    pub topic: TopicPattern,
    /// Where its deliveries go.
    pub address: Address,
    /// All attributes. Those that were left out get their defaults.
    pub rest: WebhookPatch,
}

/// A change of a webhook. The attributes that the client left out are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookPatch {
    /// The topic or pattern to subscribe to.
    pub topic: Option<TopicPattern>,
    /// Where its deliveries go.
    pub address: Option<Address>,
    /// The format of its bodies.
    pub format: Option<Format>,
    /// Which responses its endpoint is expected to give.
    pub protocol: Option<Protocol>,
    /// Whether it gets deliveries.
    pub status: Option<Status>,
    /// The payload keys that it gets.
    pub fields: Option<Vec<String>>,
    /// The namespaces of the metafields that it gets.
    pub metafield_namespaces: Option<Vec<String>>,
    /// The headers that its owner adds.
    pub custom_headers: Option<CustomHeaders>,
}

impl NewWebhook {
    /// Reads a new webhook from the `webhook` object of a request.
    ///
    /// ```
    /// use serde_json::{Map, json};
    /// use storehook_domain::webhook::new_webhook::{NewWebhook, WebhookRules};
    ///
    /// let rules = WebhookRules::default();
    /// let mut attributes = Map::new();
    /// attributes.insert("topic".to_owned(), json!("orders/create"));
    /// let errors = NewWebhook::parse(&attributes, &rules).unwrap_err();
    /// assert_eq!(json!(errors), json!({"address": ["can't be blank"]}));
    ///
    /// attributes.insert("address".to_owned(), json!("https://apple.com/hook"));
    /// assert!(NewWebhook::parse(&attributes, &rules).is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// The topic or the address is missing, or an attribute is invalid.
    pub fn parse(attributes: &Map<String, Value>, rules: &WebhookRules) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let patch = read(attributes, rules, &CustomHeaders::default(), &mut errors);
        // A missing attribute is blank, too.
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
    /// Reads a change of `current` from the `webhook` object of a request.
    ///
    /// Clients send back every attribute, changed or not, and a mask for each value of
    /// `custom_headers`. What is unchanged is not checked again, even if its owner could not write
    /// it now.
    ///
    /// # Errors
    ///
    /// A changed attribute is invalid.
    pub fn parse(
        attributes: &Map<String, Value>,
        rules: &WebhookRules,
        current: &Webhook,
    ) -> Result<Self, FieldErrors> {
        let is_changed = |(name, value): &(&String, &Value)| !is_unchanged(current, name, value);
        let changed = attributes.iter().filter(is_changed).map(|(name, value)| (name.clone(), value.clone()));
        let mut errors = FieldErrors::default();
        let patch = read(&changed.collect(), rules, &current.custom_headers, &mut errors);
        errors.or(patch)
    }

    /// Applies the change to a webhook.
    pub fn apply_to(self, webhook: &mut Webhook) {
        fn set<T>(attribute: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *attribute = value;
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

/// Whether an attribute is unchanged. It matters for attributes that may have become invalid since
/// the owner wrote them: Storehook sets `disabled`, and the operator may change the rules.
fn is_unchanged(current: &Webhook, name: &str, value: &Value) -> bool {
    match name {
        "status" => value == current.status.as_str(),
        "address" => value == current.address.as_str(),
        _ => false,
    }
}

/// Reads attributes, with the custom headers that are there already.
fn read(
    attributes: &Map<String, Value>,
    rules: &WebhookRules,
    headers: &CustomHeaders,
    errors: &mut FieldErrors,
) -> WebhookPatch {
    WebhookPatch {
        topic: attributes.get("topic").and_then(|value| topic(value, errors)),
        address: attributes
            .get("address")
            .and_then(|value| address(value, &rules.address_policy, rules.address_hint.as_deref(), errors)),
        format: choice(attributes, "format", Format::from_name, errors),
        protocol: choice(attributes, "protocol", Protocol::from_name, errors),
        status: choice(attributes, "status", Status::from_writable_name, errors),
        fields: list(attributes, "fields", errors),
        metafield_namespaces: list(attributes, "metafield_namespaces", errors),
        custom_headers: present(attributes, "custom_headers")
            .and_then(|value| errors.collect("custom_headers", headers.changed(value, &rules.header_prefix))),
    }
}

#[cfg(test)]
mod tests;
