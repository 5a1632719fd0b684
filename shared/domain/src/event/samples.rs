//! Sample payloads, one for each resource that the API Webhook page documents, and test events of them.
//!
//! They are the files of `events/payloads`, which a user may publish, too.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::{
    delivery::message::DeliveryMessage,
    event::{id::EventId, topic::Topic},
    payload::Payload,
    webhook::Webhook,
};

macro_rules! samples {
    ($($resource:literal),* $(,)?) => {
        [$(($resource, include_str!(concat!("../../../../events/payloads/", $resource, ".json")))),*]
    };
}

pub(crate) const SAMPLES: [(&str, &str); 16] = samples![
    "cart",
    "checkout",
    "collection",
    "collection_listing",
    "customer",
    "customer_group",
    "draft_order",
    "fulfillment",
    "fulfillment_event",
    "order",
    "order_transaction",
    "product",
    "product_listing",
    "refund",
    "shop",
    "theme",
];

/// What stands for a resource whose payload nobody documents.
const PLAIN: &str =
    r#"{"id": 123456, "created_at": "2026-11-21T15:00:00-05:00", "updated_at": "2026-11-21T15:00:00-05:00"}"#;

/// A payload as an event of this topic has it.
pub fn sample_of(topic: &Topic) -> &'static str {
    let found = SAMPLES.iter().find(|(resource, _)| *resource == topic.resource());
    found.map_or(PLAIN, |(_, sample)| sample.trim_ascii())
}

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
    use crate::event::catalogue;

    #[test]
    fn every_documented_topic_has_a_sample_of_its_own_and_every_other_one_that_will_do()
    -> Result<(), Box<dyn std::error::Error>> {
        for topic in catalogue::TOPICS.iter().chain([&catalogue::WEBHOOK_DISABLED]) {
            let sample = sample_of(&Topic::parse(topic.name)?);
            let raw: &RawValue = serde_json::from_str(sample)?;
            Payload::new(raw)?;
            assert_eq!(sample != PLAIN, topic.is_documented, "{}", topic.name);
        }
        assert_eq!(sample_of(&Topic::parse("stock:low")?), PLAIN);
        Ok(())
    }

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
