//! Tests of shares.

use jiff::Timestamp;

use super::*;
use crate::{event::StoreEvent, job::message::Job, payload::limits::PAYLOAD_LIMIT};

const ORIGIN: RecordOrigin<'_> =
    RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };

#[test]
fn every_webhook_is_in_one_share_of_bounded_size() {
    let ids: Vec<_> = (1..=20_000).rev().map(|id| WebhookId::new(id * 3)).collect();
    for (bytes, count, largest) in [(2_000, 13, 1_600), (200_000, 25, 800), (SQS_MESSAGE_LIMIT, 125, 160)] {
        let shares = shares(ids.clone(), bytes);
        assert_eq!(shares.len(), count, "{bytes}");
        let size = |share: &Range| ids.iter().filter(|id| share.contains(**id)).count();
        let sizes = shares.iter().map(size);
        let sizes: Vec<_> = sizes.collect();
        assert_eq!((sizes.iter().sum::<usize>(), sizes.iter().max()), (20_000, Some(&largest)), "{bytes}");
    }
    assert_eq!(shares(Vec::new(), 1), []);
}

/// The webhooks `1` to `9` of a share of `1` to `9`, each with whether a step dealt with it.
fn webhooks(done: &str) -> impl Iterator<Item = (WebhookId, bool)> {
    (1..).zip(done.chars()).map(|(id, mark)| (WebhookId::new(id), mark == 'x'))
}

fn pairs(ranges: &[Range]) -> Vec<(u64, u64)> {
    ranges.iter().map(|range| (range.from.get(), range.to.get())).collect()
}

#[test]
fn a_step_goes_on_from_what_earlier_ones_have_done() -> Result<(), Box<dyn std::error::Error>> {
    let range = Range { from: WebhookId::new(1), to: WebhookId::new(9) };
    let share = FanOutShare::begin(&ORIGIN, RawValue::from_string("{}".to_owned())?, range);
    for (first_step, done, from) in [
        (".........", vec![], 1),
        ("xx.......", vec![(1, 2)], 3),
        ("xx.x.xx..", vec![(1, 2), (4, 4), (6, 7)], 3),
        (".x......x", vec![(2, 2), (9, 9)], 1),
    ] {
        let second = FanOutShare { done: share.done_after(webhooks(first_step)), ..share.clone() };
        assert_eq!((pairs(&second.done), second.rest().from.get()), (done, from), "{first_step}");
        assert_eq!(second.rest().to, range.to);
        let dealt_with: Vec<_> = webhooks(first_step).map(|(id, _)| (id, second.is_done(id))).collect();
        assert!(dealt_with.into_iter().eq(webhooks(first_step)), "{first_step}");
    }
    // The first step did 1 and 3. The second one did 2, and 4 next to 3.
    let second = FanOutShare { done: share.done_after(webhooks("x.x......")), ..share };
    let found = webhooks("xxxx.....").skip(1);
    assert_eq!(pairs(&second.done_after(found)), [(1, 4)]);
    // Later look-ups may find fewer webhooks, and none before the first one that is not done.
    let found = [(2, false), (9, true)].map(|(id, is_done)| (WebhookId::new(id), is_done));
    assert_eq!(pairs(&second.done_after(found.into_iter())), [(1, 1), (9, 9)]);
    Ok(())
}

#[test]
fn marked_webhooks_that_follow_each_other_are_one_range() {
    for (marks, expected) in [("", vec![]), ("...", vec![]), ("x.xx.x", vec![(1, 1), (3, 4), (6, 6)])] {
        assert_eq!(pairs(&marked(webhooks(marks))), expected, "{marks}");
    }
}

/// A payload of 1 MB fills a batch. So at most eight webhooks, one for each batch that is under
/// way, are not done before one that is.
#[test]
fn the_largest_event_fits_into_a_job() -> Result<(), Box<dyn std::error::Error>> {
    let shop = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
    let record = format!(
        r#"{{"shop": "{shop}", "topic": "{}:b", "event_id": "{}", "triggered_at": "2026-11-21T15:00:00.123456789Z",
            "test": true, "app": "{}", "traceparent": "00-{}-{}-01", "payload": {{}}}}"#,
        "a".repeat(62),
        "e".repeat(64),
        "p".repeat(64),
        "a".repeat(32),
        "b".repeat(16),
    );
    let event = StoreEvent::parse(record.as_bytes(), &ORIGIN)?;
    let range = Range { from: WebhookId::new(u64::MAX), to: WebhookId::new(u64::MAX) };
    let share = FanOutShare::begin(&ORIGIN, event.to_record(), range);
    let job = Job::FanOut(FanOutShare {
        id: "m".repeat(100),
        number: u32::MAX,
        done: vec![range; 9],
        reason: Some("r".repeat(100)),
        ..share
    });
    let job = job.to_message();
    let besides = job.len() - event.payload.as_str().len();
    assert!(besides <= SQS_MESSAGE_LIMIT - PAYLOAD_LIMIT, "{besides}");
    assert!(Job::parse(&job).is_ok());
    Ok(())
}
