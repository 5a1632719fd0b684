//! The life of a delivery, message by message.

use std::time::Duration;

use super::*;
use crate::{
    delivery::{
        body_shape::BodyShape,
        outcome::{FailedAttempt, Outcome},
    },
    event::{StoreEvent, origin::RecordOrigin, topic::Topic},
    installation::app::AppId,
    payload::digest::PayloadDigest,
    webhook::{Webhook, WebhookId, address::Address},
};
use jiff::ToSpan as _;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
const QUEUED_AT: i64 = 1_795_000_000;

pub(super) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(QUEUED_AT + seconds).unwrap_or_default()
}

/// A message of the delivery, of this series and queued at this time.
pub(super) fn message(
    series: u32,
    seconds: i64,
) -> Result<DeliveryMessage<'static>, Box<dyn std::error::Error>> {
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
    let record = br#"{"shop": "a.example", "topic": "orders/paid", "event_id": "e1", "payload": {"id": 1}}"#;
    let event = StoreEvent::parse(record, &origin)?;
    let digest = Some(PayloadDigest::of(event.payload));
    let delivery =
        DeliveryMessage::of(&event, digest, WebhookId::new(7), AppId::parse("demo")?, time(seconds));
    Ok(DeliveryMessage { series, ..delivery })
}

/// A retry that is due at this time.
pub(super) fn retry(seconds: u64) -> Disposition {
    Disposition::Retry(Duration::from_secs(seconds))
}

/// A delay until this time.
pub(super) fn delay(seconds: u64) -> Disposition {
    Disposition::Delay(Duration::from_secs(seconds))
}

pub(super) fn made(seconds: i64, status: u16) -> Result<Attempt, Box<dyn std::error::Error>> {
    let webhook: Webhook = serde_json::from_value(serde_json::json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "*", "address": "https://b.example/", "format": "json",
        "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [], "custom_headers": {},
        "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z", "version": 1,
    }))?;
    Ok(Attempt {
        at: time(seconds),
        status: Some(status),
        latency: Duration::from_millis(12),
        outcome: match status {
            200 => Outcome::Delivered,
            _ => Outcome::failed(FailedAttempt::Status(status)),
        },
        address: Address::parse("https://b.example/")?.as_str().to_owned(),
        request: Some(RequestRecord { headers: vec![], shape: BodyShape::of(&webhook) }),
        response: Some(ResponseRecord::of(b"ok")),
        details: None,
    })
}

pub(super) fn begun() -> Result<DeliveryRecord, Box<dyn std::error::Error>> {
    Ok(DeliveryRecord::begin(&message(0, 0)?, KEPT_FOR))
}

#[test]
fn a_delivery_is_retried_until_it_is_delivered_or_dead() -> TestResult {
    let history = begun()?;
    assert_eq!((history.state, history.expires_at), (DeliveryState::Pending, QUEUED_AT + 30 * 86_400));
    let delayed = history.clone().attempted(&message(0, 0)?, made(1, 200)?, delay(61), time(0));
    assert_eq!((delayed.state, delayed.next_attempt_at), (DeliveryState::Pending, Some(time(61))));
    let failed = delayed.attempted(&message(0, 0)?, made(61, 500)?, retry(71), time(0));
    assert_eq!((failed.state, failed.next_attempt_at), (DeliveryState::Retrying, Some(time(71))));
    let delayed = failed.attempted(&message(0, 0)?, made(71, 200)?, delay(100), time(0));
    assert_eq!(delayed.state, DeliveryState::Retrying, "a delay undoes no failure");

    let dead = delayed.clone().attempted(
        &message(0, 0)?,
        made(100, 500)?,
        Disposition::Exhausted(Duration::ZERO),
        time(0),
    );
    assert_eq!((dead.state, dead.next_attempt_at, dead.latency_ms), (DeliveryState::Dead, None, None));
    let delivered = delayed.attempted(&message(0, 0)?, made(100, 200)?, Disposition::Ack, time(0));
    assert_eq!((delivered.state, delivered.latency_ms), (DeliveryState::Delivered, Some(12)));
    let numbers: Vec<_> = delivered.attempts.iter().map(|attempt| (attempt.number, attempt.status)).collect();
    assert_eq!(numbers, [(1, Some(200)), (2, Some(500)), (3, Some(200)), (4, Some(200))]);
    assert_eq!((delivered.attempt_count, delivered.version), (4, 4));
    assert_eq!(delivered.expires_at, QUEUED_AT + 30 * 86_400, "attempts do not keep it any longer");
    Ok(())
}

#[test]
fn of_two_messages_of_a_series_one_goes_on() -> TestResult {
    let (first, second) = (message(0, 0)?, message(0, 5)?);
    let history = begun()?;
    assert_eq!((history.admission(&first), history.admission(&second)), (Admission::Due, Admission::Due));
    let claimed = history.attempted(&second, made(6, 500)?, retry(16), time(0));
    assert_eq!(claimed.admission(&first), Admission::Superseded);
    assert_eq!(claimed.admission(&second), Admission::Due);
    let delivered = claimed.attempted(&second, made(16, 200)?, Disposition::Ack, time(0));
    for message in [first, second] {
        assert_eq!(delivered.admission(&message), Admission::Delivered);
    }
    Ok(())
}

#[test]
fn a_replay_is_never_taken_for_a_duplicate_and_ends_the_series_before_it() -> TestResult {
    let failing = begun()?.attempted(&message(0, 0)?, made(1, 500)?, retry(11), time(0));
    let replayed = failing.reserve(None, KEPT_FOR, time(60)).ok_or("reserved")?;
    assert!(replayed.is_new);
    let replayed = replayed.history;
    assert_eq!((replayed.state, replayed.series), (DeliveryState::Pending, 1));
    assert_eq!(replayed.expires_at, QUEUED_AT + 60 + 30 * 86_400);
    // The message of the replay may have been lost before it was sent, so the older one still counts.
    let (older, newer) = (message(0, 0)?, message(1, 60)?);
    assert_eq!(replayed.admission(&older), Admission::Due);
    let waiting = replayed.attempted(&older, made(61, 500)?, retry(90), time(0));
    assert_eq!((waiting.state, waiting.next_attempt_at), (DeliveryState::Pending, Some(time(60))));
    let begun = waiting.attempted(&newer, made(62, 500)?, retry(72), time(0));
    assert_eq!(begun.admission(&older), Admission::Superseded);
    assert_eq!(begun.attempts.last().map(|attempt| (attempt.series, attempt.number)), Some((1, 1)));

    let delivered = begun.attempted(&newer, made(72, 200)?, Disposition::Ack, time(0));
    assert_eq!(delivered.admission(&newer), Admission::Delivered);
    let again = delivered.reserve(None, KEPT_FOR, time(100)).ok_or("reserved")?.history;
    assert_eq!(again.admission(&message(2, 100)?), Admission::Due);
    assert_eq!(again.admission(&older), Admission::Delivered);
    Ok(())
}

#[test]
fn a_replay_that_is_resumed_sends_again_only_what_may_not_have_been_sent() -> TestResult {
    let dead =
        begun()?.attempted(&message(0, 0)?, made(1, 500)?, Disposition::Exhausted(Duration::ZERO), time(0));
    let first = dead.reserve(Some("r1"), KEPT_FOR, time(60)).ok_or("reserved")?;
    assert!(first.is_new);
    let resumed = first.history.reserve(Some("r1"), KEPT_FOR, time(70)).ok_or("sent again")?;
    assert!(!resumed.is_new);
    assert_eq!(resumed.history, first.history);
    let attempted = resumed.history.attempted(&message(1, 70)?, made(71, 500)?, retry(81), time(0));
    assert_eq!(attempted.reserve(Some("r1"), KEPT_FOR, time(75)), None);
    let another = attempted.reserve(Some("r2"), KEPT_FOR, time(75)).ok_or("another replay")?;
    assert_eq!((another.is_new, another.history.series), (true, 2));
    // Who asks twice for the same delivery before it could be sent gets it once.
    let asked = dead.reserve(None, KEPT_FOR, time(60)).ok_or("reserved")?.history;
    assert!(asked.reserve(None, KEPT_FOR, time(61)).is_some_and(|again| !again.is_new));
    Ok(())
}

#[test]
fn a_message_may_end_without_an_attempt() -> TestResult {
    let message_0 = message(0, 0)?;
    let held = begun()?.ended(&message_0, DeliveryState::Held).ok_or("news")?;
    assert_eq!((held.state, held.next_attempt_at, held.version), (DeliveryState::Held, None, 1));
    assert_eq!(held.clone().ended(&message_0, DeliveryState::Held), None, "it is no news");
    let delivered = begun()?.attempted(&message_0, made(1, 200)?, Disposition::Ack, time(0));
    assert_eq!(delivered.ended(&message_0, DeliveryState::Dead), None, "what was delivered does not die");
    let retrying = begun()?.attempted(&message_0, made(1, 500)?, retry(11), time(0));
    assert_eq!(retrying.clone().ended(&message(0, 5)?, DeliveryState::Dead), None, "it is another message's");
    assert!(retrying.ended(&message_0, DeliveryState::Dead).is_some());
    let replayed = held.reserve(Some("r"), KEPT_FOR, time(60)).ok_or("reserved")?.history;
    // The replay's message may never have been sent, so the older one must not end unheard.
    let held_before = replayed.clone().ended(&message_0, DeliveryState::Held).ok_or("news")?;
    assert_eq!((held_before.state, held_before.series), (DeliveryState::Held, 1));
    let held_again = replayed.ended(&message(1, 60)?, DeliveryState::Held).ok_or("news")?;
    assert_eq!(held_again.state, DeliveryState::Held);
    // Nothing of the series was attempted, so the same replay sends it once more.
    let resumed = held_again.reserve(Some("r"), KEPT_FOR, time(120)).ok_or("once more")?;
    assert_eq!(
        (resumed.is_new, resumed.history.series, resumed.history.state),
        (true, 1, DeliveryState::Pending)
    );
    Ok(())
}

#[test]
fn what_an_operator_has_redriven_is_the_next_series() -> TestResult {
    let dead =
        begun()?.attempted(&message(0, 0)?, made(1, 500)?, Disposition::Exhausted(Duration::ZERO), time(0));
    let redriven = message(0, 0)?.redriven(time(500));
    assert_eq!(dead.admission(&redriven), Admission::Due);
    let mut dead = dead;
    dead.renew(&message(0, 400)?, KEPT_FOR);
    assert_eq!(dead.expires_at, QUEUED_AT + 30 * 86_400, "it is of the same series");
    dead.renew(&redriven, KEPT_FOR);
    assert_eq!(dead.expires_at, QUEUED_AT + 500 + 30 * 86_400);
    let delivered = dead.attempted(&redriven, made(501, 200)?, Disposition::Ack, time(0));
    assert_eq!((delivered.state, delivered.series), (DeliveryState::Delivered, 1));
    assert_eq!(delivered.admission(&message(0, 0)?.redriven(time(600))), Admission::Delivered);
    Ok(())
}

#[test]
fn what_was_delivered_stays_so_whatever_a_slower_message_says() -> TestResult {
    let (first, second) = (message(0, 0)?, message(0, 5)?);
    for then in [retry(20), Disposition::Exhausted(Duration::ZERO), delay(20)] {
        let delivered = begun()?.attempted(&first, made(1, 200)?, Disposition::Ack, time(0));
        let after = delivered.attempted(&second, made(2, 500)?, then, time(0));
        assert_eq!((after.state, after.next_attempt_at), (DeliveryState::Delivered, None), "{then:?}");
        assert_eq!(after.attempt_count, 2);
    }
    Ok(())
}

#[test]
fn a_series_that_ended_unattempted_may_be_taken_up_by_another_message() -> TestResult {
    let dead =
        begun()?.attempted(&message(0, 0)?, made(1, 500)?, Disposition::Exhausted(Duration::ZERO), time(0));
    let redriven = message(0, 0)?.redriven(time(500));
    let retrying = dead.attempted(&redriven, made(501, 500)?, retry(511), time(0));
    let held = retrying.ended(&redriven, DeliveryState::Held).ok_or("news")?;
    assert_eq!(held.admission(&message(0, 0)?.redriven(time(600))), Admission::Due);
    assert_eq!(held.admission(&message(0, 0)?), Admission::Due, "and an older one is better than none");
    Ok(())
}

#[test]
fn what_an_older_message_comes_to_counts_until_a_later_series_has_begun() -> TestResult {
    let (older, later) = (message(0, 0)?, message(1, 60)?);
    let failing = begun()?.attempted(&older, made(1, 500)?, retry(3_600), time(0));
    let replayed = failing.reserve(None, KEPT_FOR, time(60)).ok_or("reserved")?.history;
    let held = replayed.clone().attempted(&later, made(61, 410)?, retry(71), time(0));
    let held = held.ended(&later, DeliveryState::Held).ok_or("news")?;
    let delivered = held.attempted(&older, made(3_600, 200)?, Disposition::Ack, time(0));
    assert_eq!(delivered.state, DeliveryState::Delivered, "it need not be replayed any more");
    // An attempt of the older one that ends after the later one has begun says nothing.
    let retrying = replayed.attempted(&later, made(61, 500)?, retry(71), time(0));
    for then in [Disposition::Exhausted(Duration::ZERO), Disposition::Ack, retry(99)] {
        let after = retrying.clone().attempted(&older, made(62, 500)?, then, time(0));
        assert_eq!(
            (after.state, after.next_attempt_at),
            (DeliveryState::Retrying, Some(time(71))),
            "{then:?}"
        );
    }
    Ok(())
}

#[test]
fn a_replay_that_died_is_not_sent_again_by_its_own_id() -> TestResult {
    let dead =
        begun()?.attempted(&message(0, 0)?, made(1, 500)?, Disposition::Exhausted(Duration::ZERO), time(0));
    let replayed = dead.reserve(Some("r"), KEPT_FOR, time(60)).ok_or("reserved")?.history;
    let retrying = replayed.attempted(&message(1, 60)?, made(61, 500)?, retry(71), time(0));
    let given_up = retrying.ended(&message(1, 60)?, DeliveryState::Dead).ok_or("news")?;
    assert_eq!(given_up.reserve(Some("r"), KEPT_FOR, time(90)), None);
    Ok(())
}

#[test]
fn a_spent_series_is_not_begun_again_while_a_later_one_waits() -> TestResult {
    let first =
        begun()?.attempted(&message(0, 0)?, made(1, 500)?, Disposition::Exhausted(Duration::ZERO), time(0));
    let second =
        first.attempted(&message(1, 60)?, made(61, 500)?, Disposition::Exhausted(Duration::ZERO), time(0));
    let waiting = second.reserve(None, KEPT_FOR, time(100)).ok_or("reserved")?.history;
    assert_eq!(waiting.series, 2);
    assert_eq!(waiting.admission(&message(0, 0)?.redriven(time(110))), Admission::Superseded);
    assert_eq!(waiting.admission(&message(2, 100)?), Admission::Due);
    Ok(())
}

#[test]
fn a_series_whose_message_was_never_sent_is_sent_by_the_next_replay() -> TestResult {
    let dead =
        begun()?.attempted(&message(0, 0)?, made(1, 500)?, Disposition::Exhausted(Duration::ZERO), time(0));
    let lost = dead.reserve(Some("r1"), KEPT_FOR, time(100)).ok_or("reserved")?.history;
    assert!(!lost.is_stranded(time(3_699)) && lost.is_stranded(time(3_700)));
    let found = lost.reserve(Some("r2"), KEPT_FOR, time(3_700)).ok_or("found")?;
    assert_eq!((found.is_new, found.history.series), (true, 1));
    assert!(!found.history.is_stranded(time(3_700)), "it is taken over once");
    Ok(())
}

#[test]
fn what_has_expired_and_not_been_deleted_begins_anew() -> TestResult {
    let delivered = begun()?.attempted(&message(0, 0)?, made(1, 200)?, Disposition::Ack, time(0));
    let end = 30 * 86_400;
    let again = message(0, end)?;
    assert_eq!(delivered.clone().or_begin(&again, KEPT_FOR, time(end - 1)), delivered);
    let anew = delivered.or_begin(&again, KEPT_FOR, time(end));
    assert_eq!((anew.state, anew.attempt_count, anew.version), (DeliveryState::Pending, 0, 1));
    assert_eq!(anew.admission(&again), Admission::Due);
    Ok(())
}

#[test]
fn an_event_under_an_id_that_was_another_ones_is_kept_as_what_was_sent() -> TestResult {
    let history = begun()?;
    let other = message(0, 0)?;
    let digest = Some(PayloadDigest::parse(&"a".repeat(32))?);
    let topic = Topic::parse("orders/create")?;
    let envelope = Envelope { topic, payload_digest: digest.clone(), ..other.envelope };
    let other = DeliveryMessage { envelope, ..other };
    let after = history.attempted(&other, made(1, 200)?, Disposition::Ack, time(0));
    assert_eq!((after.envelope.topic.as_str(), after.envelope.payload_digest), ("orders/create", digest));
    Ok(())
}

#[test]
fn the_message_of_a_replay_is_the_deliverys_own() -> TestResult {
    let first = message(0, 0)?;
    let history = begun()?.reserve(None, KEPT_FOR, time(60)).ok_or("reserved")?.history;
    let again = history.message(first.payload(), time(60));
    assert_eq!((again.series, again.enqueued_at), (1, time(60)));
    let back = DeliveryMessage { series: 0, enqueued_at: first.enqueued_at, ..again };
    assert_eq!(back.to_message(), first.to_message());
    Ok(())
}

#[test]
fn times_in_lists_are_whole_microseconds() -> TestResult {
    let queued_at = time(0) + 1_999.nanoseconds();
    let history =
        DeliveryRecord::begin(&DeliveryMessage { enqueued_at: queued_at, ..message(0, 0)? }, KEPT_FOR);
    assert_eq!(history.created_at, time(0) + 1.microseconds());
    Ok(())
}
