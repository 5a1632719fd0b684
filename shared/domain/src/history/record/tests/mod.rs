//! The life of a delivery, message by message.

mod runs;

use std::time::Duration;

use super::*;
use crate::{
    delivery::{
        body_shape::BodyShape,
        disposition::Disposition,
        envelope::KeptPayload,
        lane::Lane,
        outcome::{FailedAttempt, Outcome},
        run::{DelayedCopy, RunId},
        subscriber::Subscriber,
    },
    event::{StoreEvent, origin::RecordOrigin},
    history::{
        attempt::Attempt,
        record::admission::Admission,
        run::{Receive, RunEnd},
    },
    installation::app::AppId,
    payload::digest::PayloadDigest,
    webhook::{Webhook, WebhookId},
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
const QUEUED_AT: i64 = 1_795_000_000;
const DEAD: Disposition = Disposition::Exhausted(Duration::ZERO);

pub(in crate::history) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(QUEUED_AT + seconds).unwrap_or_default()
}

pub(in crate::history) fn retry(seconds: u64) -> Disposition {
    Disposition::retry(Duration::from_secs(seconds))
}

/// A message of this run.
pub(in crate::history) fn message(run: &str) -> Result<DeliveryMessage<'static>, Box<dyn std::error::Error>> {
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
    let record = br#"{"shop": "a.example", "topic": "orders/paid", "event_id": "e1", "payload": {"id": 1}}"#;
    let event = StoreEvent::parse(record, &origin)?;
    let kept = KeptPayload::alone(event.payload);
    let message = DeliveryMessage::of(
        &event,
        Some(&kept),
        &Subscriber::by_topic(WebhookId::new(7), AppId::parse("demo")?),
        time(0),
    );
    Ok(DeliveryMessage { run: RunId::parse(run)?, ..message })
}

/// The copy with this number that a delay made of message `m-1`.
pub(in crate::history) fn copy(number: u32) -> Result<DeliveryMessage<'static>, Box<dyn std::error::Error>> {
    let delay = Some(DelayedCopy { first_message_id: "m-1".to_owned(), number });
    Ok(DeliveryMessage { delay, ..message("event")? })
}

pub(in crate::history) fn fast(message_id: &str) -> Receive<'_> {
    Receive { message_id, lane: Lane::Fast }
}

pub(in crate::history) fn slow(message_id: &str) -> Receive<'_> {
    Receive { message_id, lane: Lane::Slow }
}

fn attempt(seconds: i64, status: u16) -> Result<Attempt, Box<dyn std::error::Error>> {
    let webhook: Webhook = serde_json::from_value(serde_json::json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "*", "address": "https://b.example/", "format": "json",
        "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [], "custom_headers": {},
        "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z", "version": 1,
    }))?;
    Ok(Attempt {
        at: time(seconds),
        latency: Duration::from_millis(12),
        address: webhook.address.as_str().to_owned(),
        request: Some(RequestRecord { headers: vec![], shape: BodyShape::of(&webhook) }),
        status: Some(status),
        response: Some(ResponseRecord::of(b"ok")),
        outcome: match status {
            200 => Outcome::Delivered,
            _ => Outcome::failed(FailedAttempt::Status(status)),
        },
        details: None,
    })
}

/// The record after the first attempt of message `m-1`, at once, in the event's own run.
pub(in crate::history) fn attempted(
    status: u16,
    disposition: Disposition,
) -> Result<DeliveryRecord, Box<dyn std::error::Error>> {
    let message = message("event")?;
    let record = DeliveryRecord::begin(&message, KEPT_FOR);
    Ok(record.attempted(&message, fast("m-1"), attempt(0, status)?, disposition, time(0)))
}

#[test]
fn a_delivery_is_retried_until_it_is_delivered_or_dead() -> TestResult {
    let message = message("event")?;
    let record = DeliveryRecord::begin(&message, KEPT_FOR);
    assert_eq!((record.state, record.expires_at), (DeliveryState::Pending, QUEUED_AT + 30 * 86_400));
    let delay = Disposition::Delay(Duration::from_secs(60));
    let delayed = record.attempted(&message, fast("m-1"), attempt(0, 200)?, delay, time(1));
    assert_eq!((delayed.state, delayed.next_attempt_at), (DeliveryState::Pending, Some(time(61))));
    let failed = delayed.attempted(&message, fast("m-1"), attempt(61, 500)?, retry(10), time(61));
    assert_eq!((failed.state, failed.next_attempt_at), (DeliveryState::Retrying, Some(time(71))));
    let delayed = failed.attempted(&message, fast("m-1"), attempt(71, 200)?, delay, time(71));
    assert_eq!(delayed.state, DeliveryState::Retrying, "a delay undoes no failure");

    let dead = delayed.clone().attempted(&message, fast("m-1"), attempt(131, 500)?, DEAD, time(131));
    assert_eq!((dead.state, dead.next_attempt_at, dead.latency_ms), (DeliveryState::Dead, None, None));
    assert_eq!(dead.runs[0].end, Some(RunEnd::Dead));
    let delivered = delayed.attempted(&message, fast("m-1"), attempt(131, 200)?, Disposition::Ack, time(131));
    assert_eq!((delivered.state, delivered.latency_ms), (DeliveryState::Delivered, Some(12)));
    assert_eq!((delivered.runs.len(), delivered.runs[0].end), (1, Some(RunEnd::Delivered)));
    let numbers: Vec<_> = delivered.attempts.iter().map(|attempt| (attempt.number, attempt.status)).collect();
    assert_eq!(numbers, [(1, Some(200)), (2, Some(500)), (3, Some(200)), (4, Some(200))]);
    assert_eq!((delivered.attempt_count, delivered.version), (4, 4));
    assert_eq!(delivered.expires_at, QUEUED_AT + 30 * 86_400, "attempts do not keep it any longer");
    Ok(())
}

#[test]
fn a_message_may_end_without_an_attempt() -> TestResult {
    let event = message("event")?;
    let new = DeliveryRecord::begin(&event, KEPT_FOR);
    let held = new.ended(&event, fast("m-1"), DeliveryState::Held, time(0)).ok_or("news")?;
    assert_eq!((held.state, held.next_attempt_at, held.version), (DeliveryState::Held, None, 1));
    assert_eq!(held.clone().ended(&event, fast("m-1"), DeliveryState::Held, time(1)), None, "no news");
    let adopted = held.attempted(&event, fast("m-2"), attempt(9, 500)?, retry(10), time(9));
    assert_eq!((adopted.state, adopted.runs.len()), (DeliveryState::Retrying, 1));
    let cancelled = DeliveryState::Cancelled;
    for (what, record, receive, is_ended) in [
        ("its holder's", attempted(500, retry(10))?, fast("m-1"), true),
        ("a copy's", attempted(500, retry(10))?, fast("m-2"), false),
        ("a delivered one's", attempted(200, Disposition::Ack)?, fast("m-1"), false),
        ("a dead one's", attempted(500, DEAD)?, fast("m-1"), false),
    ] {
        assert_eq!(record.ended(&event, receive, cancelled, time(10)).is_some(), is_ended, "{what}");
    }
    Ok(())
}

#[test]
fn an_overdue_delivery_is_dead() -> TestResult {
    let retrying = attempted(500, retry(10))?;
    let end = 10 + 4 * 3_600;
    assert_eq!(retrying.clone().as_of(time(end - 1)), retrying);
    let dead = retrying.as_of(time(end));
    assert_eq!((dead.state, dead.next_attempt_at), (DeliveryState::Dead, None));
    let queued = DeliveryRecord::begin(&message("event")?, KEPT_FOR);
    assert_eq!(queued.clone().as_of(time(end)), queued, "its first attempt may be far behind");
    let delivered = attempted(200, Disposition::Ack)?;
    assert_eq!(delivered.clone().as_of(time(end)), delivered);
    Ok(())
}

#[test]
fn another_payload_under_the_same_id_is_recorded_once() -> TestResult {
    let record = attempted(500, retry(10))?;
    let mut other = message("event")?;
    assert_eq!(record.clone().with_other_payload(&other), None, "it is the same");
    other.envelope.payload_digest = Some(PayloadDigest::parse(&"a".repeat(32))?);
    let noted = record.with_other_payload(&other).ok_or("news")?;
    assert!(noted.has_other_payload && noted.version == 2);
    assert_eq!(noted.with_other_payload(&other), None);
    Ok(())
}

#[test]
fn an_expired_record_is_replaced_by_a_new_one() -> TestResult {
    let delivered = attempted(200, Disposition::Ack)?;
    let end = 30 * 86_400;
    let again = DeliveryMessage { enqueued_at: time(end), ..message("event")? };
    assert_eq!(delivered.clone().or_begin(&again, KEPT_FOR, time(end - 1)), delivered);
    let anew = delivered.or_begin(&again, KEPT_FOR, time(end));
    assert_eq!((anew.state, anew.attempt_count, anew.version), (DeliveryState::Pending, 0, 1));
    assert_eq!(anew.admission(&again, fast("m-1"), time(end)), Admission::Attempt);
    Ok(())
}

#[test]
fn only_a_new_run_extends_the_expiry_of_the_record() -> TestResult {
    let queued = DeliveryRecord::begin(&message("event")?, KEPT_FOR);
    let failed = attempted(500, DEAD)?;
    let replay = message("replay:r")?;
    let replayed = failed.clone().attempted(&replay, fast("m-4"), attempt(10, 500)?, retry(10), time(10));
    for (what, record, run, longer) in [
        ("a second message of an event without attempts", &queued, "event", 0),
        ("a second message of an event", &failed, "event", 0),
        ("a replay", &failed, "replay:r", 500),
        ("a second message of the replay", &replayed, "replay:r", 0),
        ("a redelivery after it", &replayed, "redeliver:x", 500),
    ] {
        let mut record = record.clone();
        record.renew(&DeliveryMessage { enqueued_at: time(500), ..message(run)? }, KEPT_FOR);
        assert_eq!(record.expires_at, QUEUED_AT + longer + 30 * 86_400, "{what}");
    }
    Ok(())
}

#[test]
fn only_its_app_on_its_shop_sees_a_record_while_it_is_kept() -> TestResult {
    let record = attempted(200, Disposition::Ack)?;
    let expires_at = Timestamp::from_second(record.expires_at)?;
    for (shop, app, now, is_seen) in [
        ("a.example", "demo", time(0), true),
        ("a.example", "other", time(0), false),
        ("b.example", "demo", time(0), false),
        ("a.example", "demo", expires_at, false),
    ] {
        let seen = record.clone().seen_by(&shop.parse()?, &app.parse()?, now);
        assert_eq!(seen.is_some(), is_seen, "{app} on {shop} at {now}");
    }
    Ok(())
}

#[test]
fn only_the_holder_can_end_a_run_as_dead() -> TestResult {
    let event = message("event")?;
    let record = attempted(500, retry(10))?;
    for (id, end) in [("m-1", Some(RunEnd::Dead)), ("m-2", None)] {
        let after = record.clone().attempted(&event, fast(id), attempt(10, 500)?, DEAD, time(10));
        assert_eq!(after.runs[0].end, end, "{id}");
    }
    Ok(())
}
