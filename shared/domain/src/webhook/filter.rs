//! The filter of a list of webhooks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::webhook::{Webhook, WebhookId};

/// The conditions of a list. A webhook must meet all that are set. The default has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookFilter {
    /// The address, as its owner wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The key of the topic pattern, which all spellings share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_key: Option<String>,
    /// A part of the topic, in the spelling of its owner or of its key, in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_part: Option<String>,
    /// A part of the address's host, in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_part: Option<String>,
    /// Created at or after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at_min: Option<Timestamp>,
    /// Created at or before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at_max: Option<Timestamp>,
    /// Changed at or after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at_min: Option<Timestamp>,
    /// Changed at or before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at_max: Option<Timestamp>,
    /// The id is greater than this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_id: Option<WebhookId>,
}

impl WebhookFilter {
    /// Whether no condition is set, except perhaps `since_id`.
    pub fn is_of_ids_alone(&self) -> bool {
        *self == Self { since_id: self.since_id, ..Self::default() }
    }

    /// Whether a webhook meets every condition.
    pub fn matches(&self, webhook: &Webhook) -> bool {
        self.address.as_ref().is_none_or(|address| address == webhook.address.as_str())
            && self.topic_key.as_ref().is_none_or(|key| key == webhook.topic.key())
            && self.topic_part.as_ref().is_none_or(|part| {
                contains(webhook.topic.as_str(), part) || contains(webhook.topic.key(), part)
            })
            && self
                .host_part
                .as_ref()
                .is_none_or(|part| contains(webhook.address.url().host_str().unwrap_or_default(), part))
            && self.created_at_min.is_none_or(|time| webhook.created_at >= time)
            && self.created_at_max.is_none_or(|time| webhook.created_at <= time)
            && self.updated_at_min.is_none_or(|time| webhook.updated_at >= time)
            && self.updated_at_max.is_none_or(|time| webhook.updated_at <= time)
            && self.since_id.is_none_or(|id| webhook.id > id)
    }
}

/// Whether a text has a part in it. Topics and the hosts of parsed URLs are in lower case.
fn contains(text: &str, part: &str) -> bool {
    text.contains(&part.to_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_of_a_topic_or_of_a_host_is_found_in_any_case() -> serde_json::Result<()> {
        let webhook: Webhook = serde_json::from_value(json!({
            "id": 7, "shop": "a.example", "app": "demo", "topic": "order:new", "address": "https://Hooks.Example/orders",
            "format": "json", "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [],
            "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z", "version": 1,
        }))?;
        for (topic, host, is_found) in [
            (None, None, true),
            (Some("order"), None, true),
            (Some("Orders/"), None, true),
            (Some("order:n"), Some("hooks"), true),
            (Some("products"), None, false),
            (None, Some("EXAMPLE"), true),
            (None, Some("orders"), false),
            (Some("order"), Some("other"), false),
        ] {
            let filter = WebhookFilter {
                topic_part: topic.map(str::to_owned),
                host_part: host.map(str::to_owned),
                ..WebhookFilter::default()
            };
            assert_eq!(filter.matches(&webhook), is_found, "{topic:?} {host:?}");
        }
        Ok(())
    }
}
