//! What a delivery is, apart from how it fares.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{id::DeliveryId, subscriber::Subscriber},
    event::{StoreEvent, topic::Topic},
    installation::{app::AppId, shop::ShopDomain},
    payload::digest::PayloadDigest,
};

/// What a delivery is: the same in each of its messages and in its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The delivery.
    pub id: DeliveryId,
    /// The shop of the event.
    pub shop: ShopDomain,
    /// The app that owns the webhook.
    pub app: AppId,
    /// What happened.
    pub topic: Topic,
    /// When it happened.
    pub triggered_at: Timestamp,
    /// Whether it is a test event.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// The payload's id, for the id header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// The trace context that the event was published with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The key under which the payload is kept, if it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_digest: Option<PayloadDigest>,
}

impl Envelope {
    /// The envelope of an event's delivery to a subscriber. `payload_digest` is set where the
    /// payload is kept.
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
}
