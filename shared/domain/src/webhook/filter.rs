//! The filter of a list of webhooks.

use jiff::Timestamp;

use crate::webhook::{Webhook, WebhookId};

/// The conditions of a list. A webhook must meet all that are set. The default has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookFilter {
    /// The address, as its owner wrote it.
    pub address: Option<String>,
    /// The key of the topic pattern, which all spellings share.
    pub topic_key: Option<String>,
    /// Created at or after this time.
    pub created_at_min: Option<Timestamp>,
    /// Created at or before this time.
    pub created_at_max: Option<Timestamp>,
    /// Changed at or after this time.
    pub updated_at_min: Option<Timestamp>,
    /// Changed at or before this time.
    pub updated_at_max: Option<Timestamp>,
    /// The id is greater than this one.
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
            && self.created_at_min.is_none_or(|time| webhook.created_at >= time)
            && self.created_at_max.is_none_or(|time| webhook.created_at <= time)
            && self.updated_at_min.is_none_or(|time| webhook.updated_at >= time)
            && self.updated_at_max.is_none_or(|time| webhook.updated_at <= time)
            && self.since_id.is_none_or(|id| webhook.id > id)
    }
}
