//! Test events.
//!
//! An owner can ask for a test event of a webhook. It is a delivery of a sample payload, marked as
//! a test. It is queued for that webhook alone and is never on the stream.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::{
    delivery::{
        envelope::Envelope,
        id::{DeliveryId, Distinction},
        message::DeliveryMessage,
        run::RunId,
    },
    event::{id::EventId, samples::sample_of},
    payload::Payload,
    webhook::Webhook,
};

/// What the id of a test event begins with.
pub const TEST_PREFIX: &str = "test-";

/// The message of a test event to this webhook: a sample of a topic that it subscribes to.
#[expect(clippy::expect_used, reason = "the samples are constants, and a test reads them all")]
pub fn test_delivery(webhook: &Webhook, event_id: EventId, now: Timestamp) -> DeliveryMessage<'static> {
    let topic = webhook.topic.example();
    let payload = Payload::parse(sample_of(&topic)).expect("a sample is a JSON object");
    let envelope = Envelope {
        id: DeliveryId {
            webhook_id: webhook.id,
            event_id,
            distinction: webhook.topic.is_wildcard().then(|| Distinction::of(&topic, None)),
        },
        shop: webhook.shop.clone(),
        app: webhook.app.clone(),
        triggered_at: now,
        test: true,
        resource_id: payload.resource_id(topic.resource()).map(Cow::into_owned),
        traceparent: None,
        payload_digest: None,
        payload_page: None,
        topic,
    };
    DeliveryMessage::new(envelope, RunId::Event, now, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_event_is_a_sample_of_a_topic_that_the_webhook_matches() -> Result<(), Box<dyn std::error::Error>>
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
            let message = test_delivery(&webhook, EventId::parse("test-1")?, Timestamp::UNIX_EPOCH);
            assert_eq!(
                (message.envelope.id.to_string(), message.envelope.topic.as_str()),
                (if pattern == "*" { "7-test-1~26f894a2" } else { "7-test-1" }.to_owned(), topic)
            );
            assert_eq!(message.envelope.resource_id.is_some(), resource_id);
            assert!(message.envelope.test);
            assert_eq!(DeliveryMessage::parse(message.to_message().as_bytes())?.envelope, message.envelope);
        }
        Ok(())
    }
}
