//! The filter of a list of webhooks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::webhook::{Status, Webhook, WebhookId};

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
    /// The status.
    pub status: Option<Status>,
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
            && self.status.is_none_or(|status| status == webhook.status)
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
        for status in Status::ALL {
            let filter = WebhookFilter { status: Some(status), ..WebhookFilter::default() };
            assert_eq!(filter.matches(&webhook), status == Status::Active);
            assert!(!filter.is_of_ids_alone());
        }
        Ok(())
    }
    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const BEFORE: &str = "2026-11-21T14:59:59Z";
    const CREATED: &str = "2026-11-21T15:00:00Z";
    const BETWEEN: &str = "2026-11-22T15:00:00Z";
    const UPDATED: &str = "2026-11-23T15:00:00Z";
    const AFTER: &str = "2026-11-23T15:00:01Z";

    #[test]
    fn a_webhook_must_meet_every_condition_that_is_set() -> TestResult {
        let webhook: Webhook = serde_json::from_value(json!({
            "id": 7, "shop": "a.example", "app": "demo", "topic": "order:new", "address": "https://a.example/Hook",
            "format": "json", "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [],
            "custom_headers": {}, "created_at": CREATED, "updated_at": UPDATED, "version": 1,
        }))?;
        let all = WebhookFilter::default;
        let address = |address: &str| WebhookFilter { address: Some(address.to_owned()), ..all() };
        let topic = |key: &str| WebhookFilter { topic_key: Some(key.to_owned()), ..all() };
        let since = |id| WebhookFilter { since_id: Some(WebhookId::new(id)), ..all() };
        let mut cases = vec![
            (all(), true),
            (address("https://a.example/Hook"), true),
            (address("https://a.example/hook"), false),
            // All spellings of a topic have its key.
            (topic("orders/create"), true),
            (topic("orders/paid"), false),
            (since(6), true),
            (since(7), false),
            (since(8), false),
            (WebhookFilter { topic_key: Some("orders/paid".to_owned()), ..since(6) }, false),
        ];
        // Both ends of a window belong to it.
        for (time, [created_min, created_max, updated_min, updated_max]) in [
            (BEFORE, [true, false, true, false]),
            (CREATED, [true, true, true, false]),
            (BETWEEN, [false, true, true, false]),
            (UPDATED, [false, true, true, true]),
            (AFTER, [false, true, false, true]),
        ] {
            let time = Some(time.parse()?);
            cases.push((WebhookFilter { created_at_min: time, ..all() }, created_min));
            cases.push((WebhookFilter { created_at_max: time, ..all() }, created_max));
            cases.push((WebhookFilter { updated_at_min: time, ..all() }, updated_min));
            cases.push((WebhookFilter { updated_at_max: time, ..all() }, updated_max));
        }
        for (filter, is_match) in cases {
            assert_eq!(filter.matches(&webhook), is_match, "{filter:?}");
        }
        Ok(())
    }

    #[test]
    fn only_an_id_can_be_read_from_the_key_alone() {
        let since_id = Some(WebhookId::new(7));
        for (filter, is_of_ids_alone) in [
            (WebhookFilter::default(), true),
            (WebhookFilter { since_id, ..WebhookFilter::default() }, true),
            (WebhookFilter { since_id, address: Some("a".to_owned()), ..WebhookFilter::default() }, false),
            (
                WebhookFilter { created_at_min: Some(Timestamp::UNIX_EPOCH), ..WebhookFilter::default() },
                false,
            ),
        ] {
            assert_eq!(filter.is_of_ids_alone(), is_of_ids_alone, "{filter:?}");
        }
    }
}
