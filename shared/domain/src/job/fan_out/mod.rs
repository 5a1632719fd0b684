//! The fan-out of an event that has more webhooks than one invocation sends to.
//!
//! The webhooks are shared out by ranges of their ids. The invocation that reads the event's record
//! queues a job for each share: then the record is done, and its shard moves on. The shares do not
//! depend on each other.
//!
//! A share takes as many steps as it needs. Each step sends to the webhooks that no earlier one sent
//! to, and its message names those that are done. A [`record`] notes each step, so a message that
//! comes again sends nothing that a noted step sent.

pub mod record;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::{
    delivery::fan_out::BATCH_LIMIT,
    event::{id::EventId, origin::RecordOrigin},
    payload::limits::SQS_MESSAGE_LIMIT,
    webhook::WebhookId,
};

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

/// A step of a share: the deliveries of an event to those webhooks of a range that are not done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "StoredShare")]
pub struct FanOutShare {
    /// Where its event comes from. With the range it tells shares apart: the same record read again
    /// has the same shares, and an event that is published again has others.
    pub id: String,
    /// The event, as a record.
    pub record: Box<RawValue>,
    /// The webhooks of the share.
    pub range: Range,
    /// Which step it is, from 1.
    pub number: u32,
    /// Which of its webhooks are done, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<Range>,
    /// Why SQS refused its deliveries for good, if it is in the rejected queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Range {
    /// Every webhook.
    pub const ALL: Self = Self { from: WebhookId::new(0), to: WebhookId::new(u64::MAX) };

    /// Whether a webhook is in it.
    pub fn contains(&self, id: WebhookId) -> bool {
        (self.from..=self.to).contains(&id)
    }
}

/// A step as it is read. Before shares had steps, they had neither an id nor a number.
#[derive(Deserialize)]
struct StoredShare {
    id: Option<String>,
    record: Box<RawValue>,
    range: Range,
    number: Option<u32>,
    #[serde(default)]
    done: Vec<Range>,
    reason: Option<String>,
}

impl From<StoredShare> for FanOutShare {
    fn from(share: StoredShare) -> Self {
        let StoredShare { id, record, range, number, done, reason } = share;
        // The shares of two events must not count as one.
        let id = id.unwrap_or_else(|| hex::encode(Sha256::digest(record.get())));
        Self { id, record, range, number: number.unwrap_or(1), done, reason }
    }
}

impl FanOutShare {
    /// The first step of a share of an event that comes from this place on the stream.
    pub fn begin(origin: &RecordOrigin<'_>, record: Box<RawValue>, range: Range) -> Self {
        let id = EventId::of_record(origin).to_string();
        Self { id, record, range, number: 1, done: Vec::new(), reason: None }
    }

    /// A share of refused webhooks, for the rejected queue. It is named by the SQS message of the
    /// step that refused them. So it is a share of its own: if an operator sends it again, no record
    /// says that it is done.
    pub fn refused(&self, range: Range, message_id: &str, reason: String) -> Self {
        Self {
            id: message_id.to_owned(),
            record: self.record.clone(),
            range,
            number: 1,
            done: Vec::new(),
            reason: Some(reason),
        }
    }

    /// The range that a step looks up: without those that are done before any other.
    pub fn rest(&self) -> Range {
        let next = |done: &Range| WebhookId::new(done.to.get().saturating_add(1));
        let from = self.done.first().filter(|done| done.from == self.range.from).map(next);
        Range { from: from.unwrap_or(self.range.from), ..self.range }
    }

    /// Whether an earlier step has dealt with a webhook.
    pub fn is_done(&self, id: WebhookId) -> bool {
        self.done.iter().any(|done| done.contains(id))
    }

    /// What is done after a step. The webhooks are those of [`Self::rest`], in their order, each with
    /// whether it is done.
    fn done_after(&self, webhooks: impl Iterator<Item = (WebhookId, bool)>) -> Vec<Range> {
        let before = self.done.first().filter(|done| done.from == self.range.from);
        ranges(before.copied(), self.range.from, webhooks)
    }
}

/// The ranges of webhooks that are marked. They go on from a range that ends before the first of
/// them. One that begins with the first webhook begins at `from`.
fn ranges(
    before: Option<Range>,
    from: WebhookId,
    webhooks: impl Iterator<Item = (WebhookId, bool)>,
) -> Vec<Range> {
    let mut ranges: Vec<_> = before.into_iter().collect();
    let (mut begin, mut goes_on) = (Some(from), true);
    for (id, is_marked) in webhooks {
        if is_marked {
            match ranges.last_mut() {
                Some(last) if goes_on => last.to = id,
                _ => ranges.push(Range { from: begin.unwrap_or(id), to: id }),
            }
        }
        (begin, goes_on) = (None, is_marked);
    }
    ranges
}

/// The ranges of the webhooks that are marked, among all webhooks in their order.
pub fn marked(webhooks: impl Iterator<Item = (WebhookId, bool)>) -> Vec<Range> {
    let mut webhooks = webhooks.peekable();
    let first = webhooks.peek().map_or(WebhookId::new(0), |(id, _)| *id);
    ranges(None, first, webhooks)
}

/// The shares of these webhooks, each of as many messages of this size as 160 batches hold.
pub fn shares(mut ids: Vec<WebhookId>, message_bytes: usize) -> Vec<Range> {
    let a_batch = (SQS_MESSAGE_LIMIT / message_bytes.max(1)).clamp(1, BATCH_LIMIT);
    ids.sort_unstable();
    let shares = ids.chunks(a_batch * BATCHES);
    shares.filter_map(|share| Some(Range { from: *share.first()?, to: *share.last()? })).collect()
}

#[cfg(test)]
mod tests;
