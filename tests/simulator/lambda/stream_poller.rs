//! The mapping of the stream.
//!
//! Each part of the shard is worked on by itself, one batch after the other. A batch that fails
//! comes again after a wait, from the first record that the function names. If the invocation timed
//! out or crashed, the batch is bisected first. A record that is too old by then goes to the
//! destination of failures. As [`faults`](crate::faults), a poller reads records again that are done.

use std::{rc::Rc, time::Duration};

use aws_lambda_events::{
    event::streams::KinesisEventResponse,
    kinesis::{KinesisEvent, KinesisEventRecord},
};
use futures::future::LocalBoxFuture;

use super::{Outage, outlast};
use crate::{
    clock,
    faults::{Fault, Faults, subjects_of},
    kinesis::{Record, Stream},
    template::StreamMapping,
};

/// Invokes the function with a batch, for at most this time: `None` if it timed out or crashed.
pub(crate) type Invoke =
    dyn Fn(KinesisEvent, Duration) -> LocalBoxFuture<'static, Option<KinesisEventResponse>>;

/// How often Lambda reads a shard ("Polling and batching streams": once a second).
const PERIOD: Duration = Duration::from_secs(1);

/// The longest wait before a batch comes again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Polls one part of the stream for ever. `give_up` gets the records that are given up.
pub(crate) async fn poll(
    stream: Stream,
    part: usize,
    mapping: StreamMapping,
    outage: Outage,
    invoke: Rc<Invoke>,
    give_up: impl Fn(&[Record]),
    faults: Faults,
) {
    let (mut wait, mut size) = (PERIOD, mapping.batch_size);
    loop {
        let batch = stream.first(part, size).await;
        if outlast(&outage).await {
            continue;
        }
        let age = |record: &Record| Duration::try_from(clock::now().duration_since(record.arrived_at));
        let old =
            batch.iter().filter(|record| age(record).is_ok_and(|age| age > mapping.longest_age)).count();
        if old > 0 {
            give_up(&batch[..old]);
            stream.done(part, old);
            continue;
        }
        let response = invoke(event_of(&batch), mapping.function_timeout).await;
        let done = match &response {
            None => 0,
            Some(response) => {
                let failed = response.batch_item_failures.first();
                let failed = failed.and_then(|failure| failure.item_identifier.as_deref());
                let is_failed = |record: &Record| Some(record.sequence_number.to_string().as_str()) == failed;
                batch.iter().position(is_failed).unwrap_or(batch.len())
            }
        };
        if faults.happens(Fault::IteratorExpired) {
            faults.touch(&subjects(&batch), &[Fault::IteratorExpired]);
            // The poller has not noted how far it came.
            continue;
        }
        stream.done(part, done);
        if faults.happens(Fault::Reread) {
            let again = stream.reread(part, (faults.part() * 100.0) as usize);
            faults.touch(&subjects(&again), &[Fault::Reread]);
        }
        size = if response.is_none() { (batch.len() / 2).max(1) } else { mapping.batch_size };
        wait = if done == batch.len() { PERIOD } else { (wait * 2).min(LONGEST_WAIT) };
        tokio::time::sleep(wait).await;
    }
}

/// What records carry.
fn subjects(records: &[Record]) -> Vec<String> {
    records.iter().flat_map(|record| subjects_of(&String::from_utf8_lossy(&record.data))).collect()
}

fn event_of(batch: &[Record]) -> KinesisEvent {
    let mut event = KinesisEvent::default();
    event.records = batch.iter().map(record_of).collect();
    event
}

fn record_of(record: &Record) -> KinesisEventRecord {
    let mut lambda = KinesisEventRecord::default();
    lambda.event_id = Some(format!("shardId-000000000000:{}", record.sequence_number));
    lambda.kinesis.sequence_number = record.sequence_number.to_string();
    lambda.kinesis.partition_key.clone_from(&record.partition_key);
    lambda.kinesis.data.0.clone_from(&record.data);
    let arrived_at = std::time::SystemTime::from(record.arrived_at);
    lambda.kinesis.approximate_arrival_timestamp.0 = arrived_at.into();
    lambda
}
