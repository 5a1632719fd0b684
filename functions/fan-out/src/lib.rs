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
//! Rejected records are logged as `event.rejected` at level WARN; the metric that counts
//! them is the rejected queue's own.

mod queue;
mod settings;
mod subscribers;

use std::collections::{BTreeMap, HashMap};

use aws_lambda_events::{
    event::streams::KinesisEventResponse,
    kinesis::{KinesisEvent, KinesisEventRecord},
};
use futures::future;
use jiff::Timestamp;
use storehook_domain::{
    RecordOrigin, RejectedEvent, ShopDomain, StoreEvent, Topic,
    fan_out::{self, Message, Subscriber},
};

pub use settings::Settings;

use crate::{
    queue::{Queue, SendFailure},
    subscribers::Subscribers,
};

/// How many batches are on their way to SQS at the same time.
const LANES: u64 = 8;

/// What every invocation needs: made once for each execution environment.
pub struct Dependencies {
    subscribers: Subscribers,
    delivery_queue: Queue,
    rejected_queue: Queue,
}

impl Dependencies {
    /// Sets the function up on an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Self {
        let sqs = aws_sdk_sqs::Client::new(sdk);
        Self {
            subscribers: Subscribers::new(aws_sdk_dynamodb::Client::new(sdk), settings.registry_table),
            delivery_queue: Queue::new(sqs.clone(), settings.delivery_queue_url),
            rejected_queue: Queue::new(sqs, settings.rejected_queue_url),
        }
    }
}

/// Fans a batch of records out. The answer names the first record that is not done, if any.
pub async fn handle(
    dependencies: &Dependencies,
    batch: KinesisEvent,
    now: Timestamp,
) -> KinesisEventResponse {
    let mut progress = Progress::default();
    let mut events = Vec::new();
    for (index, record) in batch.records.iter().enumerate() {
        match StoreEvent::parse(&record.kinesis.data, &origin_of(record)) {
            Ok(event) => events.push((index, event)),
            Err(error) => progress.reject(index, error.to_string()),
        }
    }
    let subscribed = find_subscribers(dependencies, events, &mut progress).await;
    send_deliveries(dependencies, &subscribed, now, &mut progress).await;
    send_rejected(dependencies, &batch.records, &mut progress).await;
    tracing::info!(
        batch.records = batch.records.len(),
        batch.events = subscribed.len(),
        batch.rejected = progress.rejected.len(),
        batch.first_failed = progress.first_failed,
        "fanned out"
    );
    let mut response = KinesisEventResponse::default();
    if let Some(record) = progress.first_failed.and_then(|index| batch.records.get(index)) {
        response.add_failure(&record.kinesis.sequence_number);
    }
    response
}

/// What has become of a batch's records so far, by their place in it.
#[derive(Default)]
struct Progress {
    rejected: BTreeMap<usize, String>,
    first_failed: Option<usize>,
}

impl Progress {
    fn reject(&mut self, index: usize, reason: String) {
        self.rejected.entry(index).or_insert(reason);
    }

    fn fail(&mut self, index: usize) {
        self.first_failed = Some(self.first_failed.map_or(index, |first| first.min(index)));
    }

    /// Whether a record comes again anyway, and need not be worked on now.
    fn comes_again(&self, index: usize) -> bool {
        self.first_failed.is_some_and(|first| index >= first)
    }
}

/// An event, its record's place in the batch, and the webhooks that hear of it.
struct Subscribed<'a> {
    index: usize,
    event: StoreEvent<'a>,
    subscribers: Vec<Subscriber>,
}

/// Finds the webhooks of each event; each shop and topic is looked up once.
async fn find_subscribers<'a>(
    dependencies: &Dependencies,
    events: Vec<(usize, StoreEvent<'a>)>,
    progress: &mut Progress,
) -> Vec<Subscribed<'a>> {
    let mut wanted: HashMap<(ShopDomain, Topic), usize> = HashMap::new();
    for (index, event) in &events {
        wanted.entry((event.shop.clone(), event.topic.clone())).or_insert(*index);
    }
    let look_ups = wanted.into_iter().map(|((shop, topic), first)| async move {
        let found = dependencies.subscribers.of(&shop, &topic).await;
        ((shop, topic), first, found)
    });
    let mut found = HashMap::new();
    for (key, first, result) in future::join_all(look_ups).await {
        match result {
            Ok(subscribers) => _ = found.insert(key, subscribers),
            Err(error) => {
                tracing::error!(error = storehook_aws::causes(&error), shop = %key.0, topic = %key.1, "subscribers not found");
                progress.fail(first);
            }
        }
    }
    let events = events.into_iter().filter(|(index, _)| !progress.comes_again(*index));
    let with_subscribers = events.map(|(index, event)| {
        let key = (event.shop.clone(), event.topic.clone());
        let subscribers = found.get(&key).cloned().unwrap_or_default();
        Subscribed { index, event, subscribers }
    });
    with_subscribers.collect()
}

/// Sends every event's deliveries, in lanes.
async fn send_deliveries(
    dependencies: &Dependencies,
    subscribed: &[Subscribed<'_>],
    now: Timestamp,
    progress: &mut Progress,
) {
    let lanes = (0..LANES).map(|lane| send_lane(dependencies, subscribed, lane, now));
    for (message, failure) in future::join_all(lanes).await.into_iter().flatten() {
        match failure {
            SendFailure::Refused(_) => progress.reject(message.record, failure.to_string()),
            SendFailure::Unavailable(_) => {
                tracing::error!(error = %failure, webhook.id = %message.webhook_id, "delivery not queued");
                progress.fail(message.record);
            }
        }
    }
}

/// Sends one lane's deliveries, batch after batch. After a batch that SQS would not take, the
/// rest of the lane is left: its records come again.
async fn send_lane(
    dependencies: &Dependencies,
    subscribed: &[Subscribed<'_>],
    lane: u64,
    now: Timestamp,
) -> Vec<(Message, SendFailure)> {
    let messages = subscribed.iter().flat_map(|Subscribed { index, event, subscribers }| {
        let of_lane = fan_out::deliveries(event, subscribers, now)
            .filter(move |delivery| fan_out::lane_of(delivery.webhook_id, LANES) == lane);
        of_lane.map(|delivery| Message {
            record: *index,
            webhook_id: delivery.webhook_id,
            body: delivery.to_message(),
        })
    });
    let mut failures = Vec::new();
    for batch in fan_out::batches(messages) {
        failures.extend(dependencies.delivery_queue.send_batch(batch).await);
        if failures.iter().any(|(_, failure)| matches!(failure, SendFailure::Unavailable(_))) {
            break;
        }
    }
    failures
}

/// Sends the records that are no events to the rejected-events queue, in order.
async fn send_rejected(dependencies: &Dependencies, records: &[KinesisEventRecord], progress: &mut Progress) {
    for (index, reason) in progress.rejected.clone() {
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
        if let Err(error) = reject(dependencies, record, &origin, &reason).await {
            tracing::error!(error = %error, "rejected event not queued");
            progress.fail(index);
        }
    }
}

async fn reject(
    dependencies: &Dependencies,
    record: &KinesisEventRecord,
    origin: &RecordOrigin<'_>,
    reason: &str,
) -> Result<(), SendFailure> {
    for message in RejectedEvent::messages(&record.kinesis.data, origin, reason) {
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
