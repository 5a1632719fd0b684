//! The fan-out of an event that has more webhooks than one invocation sends to.
//!
//! The webhooks are shared out by ranges of their ids. The invocation that reads the event's record
//! queues a job for each share: then the record is done, and its shard moves on. The shares do not
//! depend on each other. A step that cannot send its whole share queues the rest as a smaller share.
//! A share that is worked off twice sends its messages twice; the delivery function makes one series
//! of attempts of them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{delivery::fan_out::BATCH_LIMIT, payload::limits::SQS_MESSAGE_LIMIT, webhook::WebhookId};

/// How many batches a share has. At a second for each and eight at a time, that is 20 seconds.
const BATCHES: usize = 160;

/// The fewest webhooks of a share that others follow: a batch has one message at least.
pub const SMALLEST_SHARE: usize = BATCHES;

/// Webhooks with ids in this range, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first id.
    pub from: WebhookId,
    /// The last id.
    pub to: WebhookId,
}

/// The deliveries of an event to a share of its webhooks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FanOutShare {
    /// The event, as a record.
    pub record: Box<RawValue>,
    /// Which webhooks.
    pub range: Range,
}

impl Range {
    /// Every webhook.
    pub const ALL: Self = Self { from: WebhookId::new(0), to: WebhookId::new(u64::MAX) };
}

/// The shares of these webhooks, each of as many messages of this size as 160 batches hold.
pub fn shares(mut ids: Vec<WebhookId>, message_bytes: usize) -> Vec<Range> {
    let a_batch = (SQS_MESSAGE_LIMIT / message_bytes.max(1)).clamp(1, BATCH_LIMIT);
    ids.sort_unstable();
    let shares = ids.chunks(a_batch * BATCHES);
    shares.filter_map(|share| Some(Range { from: *share.first()?, to: *share.last()? })).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        event::{StoreEvent, origin::RecordOrigin},
        job::message::Job,
        payload::limits::PAYLOAD_LIMIT,
    };

    #[test]
    fn every_webhook_is_in_one_share_of_bounded_size() {
        let ids: Vec<_> = (1..=20_000).rev().map(|id| WebhookId::new(id * 3)).collect();
        for (bytes, count, largest) in [(2_000, 13, 1_600), (200_000, 25, 800), (SQS_MESSAGE_LIMIT, 125, 160)]
        {
            let shares = shares(ids.clone(), bytes);
            assert_eq!(shares.len(), count, "{bytes}");
            let size = |share: &Range| ids.iter().filter(|id| (share.from..=share.to).contains(id)).count();
            let sizes = shares.iter().map(size);
            let sizes: Vec<_> = sizes.collect();
            assert_eq!(
                (sizes.iter().sum::<usize>(), sizes.iter().max()),
                (20_000, Some(&largest)),
                "{bytes}"
            );
        }
        assert_eq!(shares(Vec::new(), 1), []);
    }

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
        let arrived_at = Timestamp::UNIX_EPOCH;
        let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at };
        let event = StoreEvent::parse(record.as_bytes(), &origin)?;
        let range = Range { from: WebhookId::new(u64::MAX), to: WebhookId::new(u64::MAX) };
        let job = Job::FanOut(FanOutShare { record: event.to_record(), range }).to_message();
        let besides = job.len() - event.payload.as_str().len();
        assert!(besides <= SQS_MESSAGE_LIMIT - PAYLOAD_LIMIT, "{besides}");
        assert!(Job::parse(&job).is_ok());
        Ok(())
    }
}
