//! Envelopes: the facts of a delivery that do not change.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{id::DeliveryId, subscriber::Subscriber},
    event::{StoreEvent, topic::Topic},
    installation::{app::AppId, message_group::MessageGroup, shop::ShopDomain},
    payload::{Payload, digest::PayloadDigest, page::PageId},
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
    /// The page on which the history keeps the payload, if it is not kept by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_page: Option<PageId>,
}

/// Where the history keeps an event's payload, as far as it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPayload {
    /// The payload's digest.
    pub digest: PayloadDigest,
    /// The page that it is on, if it is not kept by itself.
    pub page: Option<PageId>,
}

impl KeptPayload {
    /// A payload that is kept by itself.
    pub fn alone(payload: Payload<'_>) -> Self {
        Self { digest: PayloadDigest::of(payload), page: None }
    }
}

impl Envelope {
    /// The envelope of an event's delivery to a subscriber. `kept` is set if deliveries are recorded.
    pub fn of(event: &StoreEvent<'_>, kept: Option<&KeptPayload>, subscriber: &Subscriber) -> Self {
        Self {
            id: DeliveryId::of(event, subscriber.webhook_id, subscriber.is_by_pattern),
            shop: event.shop.clone(),
            app: subscriber.app.clone(),
            topic: event.topic.clone(),
            triggered_at: event.triggered_at,
            test: event.is_test,
            resource_id: event.resource_id.clone(),
            traceparent: event.traceparent.clone(),
            payload_digest: kept.map(|kept| kept.digest.clone()),
            payload_page: kept.and_then(|kept| kept.page.clone()),
        }
    }

    /// The group of its messages: the installation.
    pub fn group(&self) -> MessageGroup {
        MessageGroup::of(&self.shop, &self.app)
    }
}
