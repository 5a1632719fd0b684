//! Fan-out: from a batch of stream records to one SQS message for each subscribed webhook.
//!
//! Kinesis hands over the records of a shard in batches, in order. If the response names a failed
//! record, Lambda hands over the batch again, from that record on ("Configuring partial batch
//! response with Kinesis Data Streams and Lambda"). Fan-out promises three things:
//!
//! * **Nothing is lost.** A record is done when all its deliveries are in the delivery queue or
//!   shared out as jobs, or when the whole record is in the rejected-events queue. If DynamoDB or
//!   SQS cannot be reached, the response names the first record that is not done. It comes again,
//!   with all records after it, and messages may be sent twice: deliveries are idempotent by their
//!   id.
//! * **Nothing blocks.** A record that is not an event is rejected and counts as done. The response
//!   never names it, so it never comes again.
//! * **Order.** Each webhook's deliveries are sent to the queue in the order of their events on the
//!   shard: they belong to one sender, which sends one batch after the other. There are
//!   three exceptions: a single message that SQS did not take is sent again, after its batch; a batch
//!   that may be in the queue is sent again with a delay (`storehook_aws::queue`); and later events
//!   may overtake one that is shared out as jobs.
//!
//! A record may hold many events (`events::entries`). It is done when all of them are, and one that
//! is no event is rejected by itself.
//!
//! If the history is on, each event's payload is written once, at the same time as its deliveries
//! are sent. If that fails, the log has a line, and the deliveries go out all the same.
//!
//! Work ends [`RESERVE`] before the function's deadline. The records that are not done by then come
//! again, so a slow queue costs time and never a whole batch.
//!
//! What takes many steps is a job: an SQS batch from the jobs queue reaches the same function, and
//! `jobs` works it off. Every five minutes, a schedule has the function look after recoveries
//! (`sweep`). A [`Batch`] is one of the three.
//!
//! Rejected records are logged as `event.rejected`, at level WARN. What an invocation did is in its
//! metrics: how many messages it sent, how wide its events are, how many records it rejected.

mod dependencies;
mod events;
mod jobs;
mod queue;
mod settings;
mod sweep;
mod times;

use aws_lambda_events::{
    event::{sqs::SqsBatchResponse, streams::KinesisEventResponse},
    kinesis::KinesisEvent,
    sqs::SqsEvent,
};
use futures::future;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;
use storehook_aws::metrics::{Metric, Tally};
use storehook_domain::{event::rejected::RejectedEvent, job::fan_out::Range};

pub use dependencies::Dependencies;
pub use settings::Settings;
pub use sweep::{Sweep, SweepResponse};
pub use times::{FUNCTION_TIMEOUT, RESERVE, Times};

use crate::{
    events::{
        entries::{self, Entry},
        progress::Progress,
        subscribers::Subscribed,
    },
    queue::NotSent,
};

/// What Lambda hands over: records of the stream, jobs, or the schedule's event. Each has a member that
/// the others lack.
#[derive(Debug)]
pub enum Batch {
    /// Records of the stream.
    Events(KinesisEvent),
    /// The schedule's event.
    Sweep(Sweep),
    /// Messages of the jobs queue.
    Jobs(SqsEvent),
}

impl<'de> Deserialize<'de> for Batch {
    /// Reads raw JSON as one after the other. Serde's untagged enums copy every value first, and
    /// `lambda_runtime` notes the name of each member that it reads by itself.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let events = serde_json::from_str(json.get()).map(Self::Events);
        let sweep = events.or_else(|_| serde_json::from_str(json.get()).map(Self::Sweep));
        let jobs = sweep.or_else(|_| serde_json::from_str(json.get()).map(Self::Jobs));
        jobs.map_err(D::Error::custom)
    }
}

impl Batch {
    /// The time to write for what was counted over a batch. A sweep counts for the time before it.
    pub fn counted_at(&self, times: Times) -> Timestamp {
        match self {
            Self::Sweep(_) => sweep::queued::counted_at(times.now),
            Self::Events(_) | Self::Jobs(_) => times.now,
        }
    }
}

/// What Lambda is told.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum BatchResponse {
    /// The first record that is not done, if any.
    Events(KinesisEventResponse),
    /// The messages that are not done.
    Jobs(SqsBatchResponse),
    /// What the sweep did.
    Sweep(SweepResponse),
}

/// Works a batch off.
pub async fn handle(dependencies: &Dependencies, batch: Batch, times: Times) -> BatchResponse {
    match batch {
        // Boxed, because the compiler limits how deep one future may nest.
        Batch::Events(batch) => BatchResponse::Events(Box::pin(fan_out(dependencies, batch, times)).await),
        Batch::Sweep(Sweep::Recoveries) => BatchResponse::Sweep(sweep::sweep(dependencies, times).await),
        Batch::Jobs(batch) => BatchResponse::Jobs(Box::pin(jobs::work_off(dependencies, batch, times)).await),
    }
}

/// Fans out a batch of records. The response names the first record that is not done, if any.
async fn fan_out(dependencies: &Dependencies, batch: KinesisEvent, times: Times) -> KinesisEventResponse {
    let entries = entries::entries_of(&batch.records);
    let (events, mut progress) = entries::events_of(&entries);
    let mut subscribed = dependencies.subscribers.find(events, Range::ALL, times, &mut progress).await;
    events::history::mark(&dependencies.history, &mut subscribed);
    events::shares::queue(&dependencies.jobs_queue, &entries, &mut subscribed, times, &mut progress).await;
    // What comes again in any case is not sent before.
    subscribed.retain(|subscribed| !progress.comes_again(subscribed.index));
    events::history::paginate(&dependencies.history, &mut subscribed);
    // Deliveries do not wait for the history.
    let write = events::history::write(&dependencies.history, &dependencies.meter, &subscribed, times);
    let send = events::send::send(&dependencies.delivery_queue, &subscribed, times, &mut progress);
    future::join(send, write).await;
    dependencies.installations.end(&subscribed, times, &mut progress).await;
    send_rejected(dependencies, &entries, times, &mut progress).await;
    let done = subscribed.iter().filter(|event| !progress.comes_again(event.index));
    dependencies.meter.add(&widths(done));
    let mut response = KinesisEventResponse::default();
    if let Some(record) = progress.first_failed().and_then(|index| batch.records.get(index)) {
        response.add_failure(&record.kinesis.sequence_number);
    }
    response
}

/// How many webhooks each of these events has.
fn widths<'a>(events: impl Iterator<Item = &'a Subscribed<'a>>) -> Tally {
    let mut tally = Tally::default();
    events.for_each(|event| tally.measure(Metric::FanOutWidth, event.width() as u64));
    tally
}

/// Sends the rejected entries to the rejected-events queue, in order.
async fn send_rejected(
    dependencies: &Dependencies,
    entries: &[Entry<'_>],
    times: Times,
    progress: &mut Progress,
) {
    for (index, reason) in progress.rejected().clone() {
        if progress.comes_again(index) {
            return;
        }
        let Some(entry) = entries.get(index) else { continue };
        let origin = entry.origin();
        tracing::warn!(
            event.rejected = reason,
            record.shard_id = origin.shard_id,
            record.sequence_number = origin.sequence_number,
            record.bytes = entry.data.len(),
            "event rejected"
        );
        let sent = send_entry(dependencies, entry, &reason, times).await;
        if let Err(error) = sent {
            tracing::error!(error = storehook_aws::causes(&error), "rejected event not queued");
            progress.fail(index);
            continue;
        }
        dependencies.meter.count(Metric::Rejected, 1);
    }
}

/// Sends one rejected entry, in as many messages as it takes.
async fn send_entry(
    dependencies: &Dependencies,
    entry: &Entry<'_>,
    reason: &str,
    times: Times,
) -> Result<(), NotSent> {
    for message in RejectedEvent::messages(&entry.data, &entry.origin(), reason) {
        if times.are_up() {
            return Err(NotSent::OutOfTime);
        }
        dependencies.rejected_queue.send(message).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
