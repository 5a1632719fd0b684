//! Messages: deliveries as SQS carries them.
//!
//! A message holds neither the address nor a secret. Both are read just before each attempt. So a
//! change takes effect with the next attempt, and a leaked queue leaks no key. Everything else that
//! an attempt needs is in the message, so every attempt of a delivery sends the same body.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    delivery::{
        envelope::{Envelope, KeptPayload},
        lane::Lane,
        run::{DelayedCopy, RunId},
        subscriber::Subscriber,
    },
    event::StoreEvent,
    payload::{Payload, limits::escape_noncharacters},
};

/// One event on its way to one webhook, as SQS carries it. The message borrows its payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeliveryMessage<'a> {
    /// The facts of the delivery.
    pub envelope: Envelope,
    /// When the run's first message was queued. The age of the delivery counts from here.
    pub enqueued_at: Timestamp,
    /// The run that the message belongs to.
    #[serde(default, skip_serializing_if = "RunId::is_events_own")]
    pub run: RunId,
    /// The lane that the message was sent to. If it comes from the other one, SQS redrove it.
    #[serde(default, skip_serializing_if = "Lane::is_fast")]
    pub lane: Lane,
    /// Set on copies that an integration's delay made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<DelayedCopy>,
    #[serde(borrow)]
    pub(crate) payload: &'a RawValue,
}

/// The message is not a delivery. The error says where it is malformed, and never quotes it.
#[derive(Debug, thiserror::Error)]
#[error("the message is not a delivery: line {}, column {}", .0.line(), .0.column())]
pub struct InvalidDeliveryMessage(serde_json::Error);

impl<'a> DeliveryMessage<'a> {
    /// The first message of an event's delivery to a subscriber. `kept` is set if deliveries are
    /// recorded.
    pub fn of(
        event: &StoreEvent<'a>,
        kept: Option<&KeptPayload>,
        subscriber: &Subscriber,
        enqueued_at: Timestamp,
    ) -> Self {
        let envelope = Envelope::of(event, kept, subscriber);
        Self::new(envelope, RunId::Event, enqueued_at, event.payload).in_lane(subscriber.lane)
    }

    /// Reads a delivery from an SQS message's body.
    ///
    /// # Errors
    ///
    /// The body is not the JSON of a delivery, or its payload is not an object.
    pub fn parse(message: &'a [u8]) -> Result<Self, InvalidDeliveryMessage> {
        use serde::de::Error as _;
        let delivery: Self = serde_json::from_slice(message).map_err(InvalidDeliveryMessage)?;
        match Payload::new(delivery.payload) {
            Ok(_) => Ok(delivery),
            Err(error) => Err(InvalidDeliveryMessage(serde_json::Error::custom(error))),
        }
    }

    /// The first message of a run, in the fast lane.
    pub fn new(envelope: Envelope, run: RunId, enqueued_at: Timestamp, payload: Payload<'a>) -> Self {
        Self { envelope, enqueued_at, run, lane: Lane::Fast, delay: None, payload: payload.as_raw() }
    }

    /// The message, sent to this lane.
    pub fn in_lane(self, lane: Lane) -> Self {
        Self { lane, ..self }
    }

    /// This dead letter as the first message of a new run that begins now. Whatever time the sender
    /// gives, the run's age counts from SQS's own (`history/decision`).
    pub fn redriven(self, message_id: &str, now: Timestamp) -> Self {
        let run = RunId::Redrive(message_id.to_owned());
        Self { enqueued_at: now, run, lane: Lane::Fast, delay: None, ..self }
    }

    /// The copy that comes after an integration's delay, in this lane. Its age still counts from
    /// `queued_at`, when the run's first message was queued.
    pub fn delayed(&self, first_message_id: &str, lane: Lane, queued_at: Timestamp) -> Self {
        let number = self.delay.as_ref().map_or(0, |delay| delay.number).saturating_add(1);
        let delay = DelayedCopy { first_message_id: first_message_id.to_owned(), number };
        Self { enqueued_at: queued_at, lane, delay: Some(delay), ..self.clone() }
    }

    /// The event's payload.
    pub fn payload(&self) -> Payload<'a> {
        // Whoever makes a message has checked that its payload is an object.
        Payload::new_checked(self.payload)
    }

    /// The body of the SQS message. It has at most 1 MiB, because the payload leaves room for the
    /// rest (`limits.rs`).
    #[expect(clippy::expect_used, reason = "a struct of texts, numbers and raw JSON always serializes")]
    pub fn to_message(&self) -> String {
        escape_noncharacters(serde_json::to_string(self).expect("plain data").into()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::origin::RecordOrigin;
    use crate::payload::{
        digest::PayloadDigest,
        limits::{PAYLOAD_LIMIT, SQS_MESSAGE_LIMIT},
        page::PageId,
    };
    use crate::{installation::app::AppId, webhook::WebhookId};

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const ORIGIN: RecordOrigin<'_> = RecordOrigin {
        shard_id: "shardId-000000000000",
        sequence_number: "1",
        arrived_at: Timestamp::UNIX_EPOCH,
    };

    fn message_of(record: &str) -> Result<String, Box<dyn std::error::Error>> {
        let event = StoreEvent::parse(record.as_bytes(), &ORIGIN)?;
        let app = AppId::parse("demo")?;
        Ok(DeliveryMessage::of(
            &event,
            None,
            &Subscriber::by_topic(WebhookId::new(7), app),
            Timestamp::UNIX_EPOCH,
        )
        .to_message())
    }

    #[test]
    fn a_delivery_reads_back_from_its_message_with_its_payload_byte_for_byte() -> TestResult {
        let payload = r#"{"id": 327475578523353102,  "p":"19.99", "f": 199.0, "s":"\/"}"#;
        let message = message_of(&format!(
            r#"{{"shop": "a.example", "topic": "orders/create", "event_id": "e1", "payload": {payload}}}"#
        ))?;
        let delivery = DeliveryMessage::parse(message.as_bytes())?;
        assert_eq!(delivery.envelope.id.to_string(), "7-e1");
        assert_eq!(delivery.payload().as_str(), payload);
        assert_eq!(delivery.envelope.resource_id.as_deref(), Some("327475578523353102"));
        Ok(())
    }

    #[test]
    fn characters_that_sqs_refuses_travel_as_escapes_of_the_same_value() -> TestResult {
        let message = message_of(
            "{\"shop\": \"a.example\", \"topic\": \"orders/create\", \"payload\": {\"note\": \"\u{fffe}\u{ffff}\"}}",
        )?;
        assert_eq!(
            DeliveryMessage::parse(message.as_bytes())?.payload().as_str(),
            r#"{"note": "\ufffe\uffff"}"#
        );
        Ok(())
    }

    #[test]
    fn the_longest_envelope_leaves_room_for_the_largest_payload() -> TestResult {
        let shop = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        let topic = format!("{}:b", "a".repeat(62));
        let record = format!(
            r#"{{"shop": "{shop}", "topic": "{topic}", "event_id": "{}", "triggered_at": "2026-11-21T15:00:00.123456789Z",
                "test": true, "traceparent": "00-{}-{}-01", "payload": {{"id":"{}"}}}}"#,
            "e".repeat(64),
            "a".repeat(32),
            "b".repeat(16),
            "\\\"".repeat(128),
        );
        let event = StoreEvent::parse(record.as_bytes(), &ORIGIN)?;
        let app = AppId::parse(&"p".repeat(64))?;
        let enqueued_at = "2026-11-21T15:00:00.123456789Z".parse()?;
        let digest = PayloadDigest::of(event.payload);
        let page = Some(PageId::of([&digest]));
        let delivery = DeliveryMessage::of(
            &event,
            Some(&KeptPayload { digest, page }),
            &Subscriber::by_topic(WebhookId::new(u64::MAX), app),
            enqueued_at,
        );
        let first_message_id = "059f36b4-87a3-44ab-83d2-661975800001".to_owned();
        let delay = Some(DelayedCopy { first_message_id, number: u32::MAX });
        let run = RunId::ReplayAll("r".repeat(128));
        let message = DeliveryMessage { run, lane: Lane::Slow, delay, ..delivery }.to_message();
        let envelope = message.len() - event.payload.as_str().len();
        assert!(envelope <= SQS_MESSAGE_LIMIT - PAYLOAD_LIMIT, "{envelope}");
        Ok(())
    }

    #[test]
    fn a_redriven_dead_letter_is_the_same_delivery_in_a_run_of_its_own() -> TestResult {
        let message = message_of(
            r#"{"shop": "a.example", "topic": "orders/create", "event_id": "e", "payload": {"a":1.0}}"#,
        )?;
        for absent in ["\"run\"", "\"lane\"", "\"delay\""] {
            assert!(!message.contains(absent), "{message}");
        }
        let queued_at = "2026-11-21T15:00:00Z".parse()?;
        let now = "2026-11-23T15:00:00Z".parse()?;
        let copy = DeliveryMessage::parse(message.as_bytes())?.delayed("m-0", Lane::Slow, queued_at);
        let again = copy.redriven("m-1", now).to_message();
        let again = DeliveryMessage::parse(again.as_bytes())?;
        assert_eq!(again.delay, None, "a new run has no copies yet");
        assert_eq!((again.run, again.enqueued_at), (RunId::Redrive("m-1".to_owned()), now));
        assert_eq!((again.envelope.id.to_string(), again.lane), ("7-e".to_owned(), Lane::Fast));
        Ok(())
    }

    #[test]
    fn a_delayed_copy_has_the_next_number_and_keeps_its_run_and_age() -> TestResult {
        let message = message_of(
            r#"{"shop": "a.example", "topic": "orders/create", "event_id": "e", "payload": {"a":1.0}}"#,
        )?;
        let first = DeliveryMessage::parse(message.as_bytes())?;
        // The message's own clock may be ahead of SQS's, whose time counts.
        let queued_at = first.enqueued_at - jiff::SignedDuration::from_secs(5);
        let copy = first.delayed("m-1", Lane::Slow, queued_at);
        let second = copy.delayed("m-1", Lane::Slow, queued_at).to_message();
        let second = DeliveryMessage::parse(second.as_bytes())?;
        assert_eq!(copy.delay.map(|delay| delay.number), Some(1));
        let delay = DelayedCopy { first_message_id: "m-1".to_owned(), number: 2 };
        assert_eq!((second.delay.as_ref(), second.lane), (Some(&delay), Lane::Slow));
        assert_eq!((&second.run, second.enqueued_at), (&first.run, queued_at));
        assert_eq!(second.payload().as_str(), r#"{"a":1.0}"#);
        Ok(())
    }

    #[test]
    fn messages_that_are_not_deliveries_are_rejected() {
        for message in ["", "not json", "{}", "[]", r#"{"envelope": {}, "payload": {}}"#] {
            assert!(DeliveryMessage::parse(message.as_bytes()).is_err(), "{message}");
        }
    }
}
