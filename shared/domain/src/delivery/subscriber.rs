//! Subscribers: the webhooks that an event goes to.

use crate::{delivery::lane::Lane, installation::app::AppId, webhook::WebhookId};

/// A webhook that an event's topic matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The app that it belongs to.
    pub app: AppId,
    /// Whether it subscribes by a pattern (`orders/*`, `*`) and not by the topic itself.
    pub is_by_pattern: bool,
    /// The lane that its deliveries are queued into.
    pub lane: Lane,
}

impl Subscriber {
    /// A webhook in the fast lane that subscribes by the event's own topic.
    pub fn by_topic(webhook_id: WebhookId, app: AppId) -> Self {
        Self { webhook_id, app, is_by_pattern: false, lane: Lane::Fast }
    }
}
