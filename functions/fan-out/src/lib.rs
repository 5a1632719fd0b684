//! Fan-out: from a batch of stream records to one SQS message per subscribed webhook.
//!
//! Kinesis hands records over by shard, in order, and hands a batch over again from the
//! first record that the answer names as failed. Three things are promised about it:
//!
//! * **Nothing is lost.** A record is done when each of its deliveries is in the delivery
//!   queue, or when it is, whole, in the rejected-events queue. Where DynamoDB or SQS
//!   cannot be reached, the first record that is not done is reported, and comes again
//!   with all that follow it. Messages already sent may then be sent again: deliveries
//!   are idempotent by their id.
//! * **Nothing blocks.** A record that is no event is rejected and counts as done; it is
//!   never reported, so it is never read again.
//! * **Order.** A webhook's deliveries are sent to the queue in the order of their events on
//!   the shard: they share a lane, and a lane sends one batch after the other. Only a single
//!   entry that SQS fails to take, and that is sent again, comes behind its batch.
//!
//! Where the history is on, each event's payload is kept once, beside its deliveries and not before
//! them: one that cannot be kept is a line of the log, and its deliveries go out all the same.
//!
//! Work ends [`RESERVE`] before the function's own deadline: what is not sent by then is reported
//! as failed and comes again, so that a slow queue costs time and never a whole batch.
//!
//! Rejected records are logged as `event.rejected` at level WARN; the metric that counts
//! them is the rejected queue's own.

mod events;
mod settings;
mod times;

use aws_lambda_events::{
    event::streams::KinesisEventResponse,
    kinesis::{KinesisEvent, KinesisEventRecord},
};
use futures::future;
use jiff::Timestamp;
use storehook_aws::history::HistoryTable;
use storehook_domain::event::{StoreEvent, origin::RecordOrigin, rejected::RejectedEvent};

pub use settings::Settings;
pub use times::{RESERVE, Times};

use crate::events::{
    history::History,
    installations::Installations,
    progress::Progress,
    queue::{NotSent, Queue},
    subscribers::Subscribers,
};

/// What every invocation needs: made once for each execution environment.
pub struct Dependencies {
    subscribers: Subscribers,
    history: History,
    installations: Installations,
    delivery_queue: Queue,
    rejected_queue: Queue,
}

impl Dependencies {
    /// Sets the function up on an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Self {
        let sqs = aws_sdk_sqs::Client::new(sdk);
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        Self {
            subscribers: Subscribers::new(dynamodb.clone(), settings.registry_table.clone()),
            history: History(HistoryTable {
                client: dynamodb.clone(),
                name: settings.history_table,
                retention: settings.retention,
            }),
            installations: Installations::new(dynamodb, settings.registry_table),
            delivery_queue: Queue::new(sqs.clone(), settings.delivery_queue_url),
            rejected_queue: Queue::new(sqs, settings.rejected_queue_url),
        }
    }
}

/// Fans a batch of records out. The answer names the first record that is not done, if any.
pub async fn handle(dependencies: &Dependencies, batch: KinesisEvent, times: Times) -> KinesisEventResponse {
    let mut progress = Progress::default();
    let mut events = Vec::new();
    for (index, record) in batch.records.iter().enumerate() {
        match StoreEvent::parse(&record.kinesis.data, &origin_of(record)) {
            Ok(event) => events.push((index, event)),
            Err(error) => progress.reject(index, error.to_string()),
        }
    }
    let mut subscribed = dependencies.subscribers.of_events(events, times, &mut progress).await;
    dependencies.history.mark(&mut subscribed);
    // Deliveries do not wait for what is kept of their events.
    let kept = dependencies.history.keep(&subscribed, times);
    let sent = events::send::send(&dependencies.delivery_queue, &subscribed, times, &mut progress);
    future::join(sent, kept).await;
    dependencies.installations.end(&subscribed, times, &mut progress).await;
    send_rejected(dependencies, &batch.records, times, &mut progress).await;
    tracing::info!(
        batch.records = batch.records.len(),
        batch.events = subscribed.len(),
        batch.rejected = progress.rejected().len(),
        batch.first_failed = progress.first_failed(),
        "fanned out"
    );
    let mut response = KinesisEventResponse::default();
    if let Some(record) = progress.first_failed().and_then(|index| batch.records.get(index)) {
        response.add_failure(&record.kinesis.sequence_number);
    }
    response
}

/// Sends the records that are no events to the rejected-events queue, in order.
async fn send_rejected(
    dependencies: &Dependencies,
    records: &[KinesisEventRecord],
    times: Times,
    progress: &mut Progress,
) {
    for (index, reason) in progress.rejected().clone() {
        if progress.comes_again(index) {
            return;
        }
        let Some(record) = records.get(index) else { continue };
        let origin = origin_of(record);
        tracing::warn!(
            event.rejected = reason,
            record.shard_id = origin.shard_id,
            record.sequence_number = origin.sequence_number,
            record.bytes = record.kinesis.data.len(),
            "event rejected"
        );
        let sent = reject(dependencies, record, &origin, &reason, times).await;
        if let Err(error) = sent {
            tracing::error!(error = storehook_aws::causes(&error), "rejected event not queued");
            progress.fail(index);
        }
    }
}

async fn reject(
    dependencies: &Dependencies,
    record: &KinesisEventRecord,
    origin: &RecordOrigin<'_>,
    reason: &str,
    times: Times,
) -> Result<(), NotSent> {
    for message in RejectedEvent::messages(&record.kinesis.data, origin, reason) {
        if times.are_up() {
            return Err(NotSent::OutOfTime);
        }
        dependencies.rejected_queue.send(message).await?;
    }
    Ok(())
}

/// Where a record stands on the stream. Its id is `<shard id>:<sequence number>`.
fn origin_of(record: &KinesisEventRecord) -> RecordOrigin<'_> {
    let id = record.event_id.as_deref().unwrap_or_default();
    let arrived_at = record.kinesis.approximate_arrival_timestamp.timestamp_millis();
    RecordOrigin {
        shard_id: id.split_once(':').map_or("", |(shard_id, _)| shard_id),
        sequence_number: &record.kinesis.sequence_number,
        arrived_at: Timestamp::from_millisecond(arrived_at).unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

#[cfg(test)]
mod tests;
