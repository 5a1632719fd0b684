//! Envelopes: the facts of a delivery that do not change.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{id::DeliveryId, subscriber::Subscriber},
    event::{StoreEvent, topic::Topic},
    installation::{app::AppId, message_group::MessageGroup, shop::ShopDomain},
    payload::digest::PayloadDigest,
};

/// The facts of a delivery that its messages and its record share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The delivery's id.
    pub id: DeliveryId,
    /// The shop of the event.
    pub shop: ShopDomain,
    /// The app that owns the webhook.
    pub app: AppId,
    /// The topic of the event.
    pub topic: Topic,
    /// When the event happened.
    pub triggered_at: Timestamp,
    /// Whether the event is a test event.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// The payload's id, for the id header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// The trace context that the event was published with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The digest of the payload, if deliveries are recorded. The history keeps the payload under it,
    /// if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_digest: Option<PayloadDigest>,
}

impl Envelope {
    /// The envelope of an event's delivery to a subscriber. `payload_digest` is set if deliveries
    /// are recorded.
    pub fn of(
        event: &StoreEvent<'_>,
        payload_digest: Option<PayloadDigest>,
        subscriber: &Subscriber,
    ) -> Self {
        Self {
            id: DeliveryId::of(event, subscriber.webhook_id, subscriber.is_by_pattern),
            shop: event.shop.clone(),
            app: subscriber.app.clone(),
            topic: event.topic.clone(),
            triggered_at: event.triggered_at,
            test: event.is_test,
            resource_id: event.resource_id.clone(),
            traceparent: event.traceparent.clone(),
            payload_digest,
        }
    }

    /// The group of its messages: the installation.
    pub fn group(&self) -> MessageGroup {
        MessageGroup::of(&self.shop, &self.app)
    }
}
