//! Test events: a sample of what a webhook subscribes to, on its way to that webhook alone.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::{
    delivery::message::DeliveryMessage,
    event::{id::EventId, samples::sample_of},
    payload::Payload,
    webhook::Webhook,
};

/// The delivery of a test event to this webhook alone: a sample of what it subscribes to.
#[expect(clippy::expect_used, reason = "the samples are constants, and a test reads them all")]
pub fn test_delivery(webhook: &Webhook, event_id: EventId, now: Timestamp) -> DeliveryMessage<'static> {
    let topic = webhook.topic.example();
    let raw: &RawValue = serde_json::from_str(sample_of(&topic)).expect("a sample is JSON");
    let payload = Payload::new(raw).expect("a sample is an object");
    DeliveryMessage {
        webhook_id: webhook.id,
        shop: webhook.shop.clone(),
        app: webhook.app.clone(),
        event_id,
        triggered_at: now,
        enqueued_at: now,
        series: 0,
        test: true,
        resource_id: payload.resource_id(topic.resource()).map(Cow::into_owned),
        traceparent: None,
        payload_digest: None,
        payload: payload.as_raw(),
        topic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_event_is_a_sample_of_what_the_webhook_subscribes_to() -> Result<(), Box<dyn std::error::Error>>
    {
        for (pattern, topic, resource_id) in [
            ("*", "orders/create", true),
            ("app/uninstalled", "app/uninstalled", true),
            ("stock:low", "stock:low", true),
        ] {
            let webhook: Webhook = serde_json::from_value(serde_json::json!({
                "id": 7, "shop": "a.example", "app": "demo", "topic": pattern, "address": "https://a.example/",
                "format": "json", "protocol": "webhook", "status": "active", "fields": [],
                "metafield_namespaces": [], "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z",
                "updated_at": "2026-11-21T15:00:00Z", "version": 3,
            }))?;
            let delivery = test_delivery(&webhook, EventId::parse("test-1")?, Timestamp::UNIX_EPOCH);
            assert_eq!((delivery.id().as_str(), delivery.topic.as_str()), ("7-test-1", topic));
            assert_eq!(delivery.resource_id.is_some(), resource_id);
            assert!(delivery.test);
            assert_eq!(DeliveryMessage::parse(delivery.to_message().as_bytes())?.id(), delivery.id());
        }
        Ok(())
    }
}
