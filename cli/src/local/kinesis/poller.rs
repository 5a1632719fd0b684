//! The Kinesis poller: what Lambda's event source mapping does for a stream.
//!
//! **The gap it fills:** MiniStack 1.5.33 polls a stream, but ignores `batchItemFailures` (failed
//! records are lost and reported as processed), `BisectBatchOnFunctionError`,
//! `MaximumRetryAttempts`, `MaximumRecordAgeInSeconds` and the on-failure destination. `deploy.py`
//! therefore disables the template's mapping in the emulator. This poller reads the settings of
//! that mapping and does what AWS documents:
//!
//! - It reads each shard in order, and continues after a batch when every record is done or given
//!   up.
//! - It continues with the first record that a response names as failed.
//! - It halves a batch that made the function fail.
//! - It gives up records that are too old, tried or not, and batches that have no retries left. They
//!   go to the on-failure destination (`given_up`).
//!
//! One batch of a shard is in flight at a time; `ParallelizationFactor` is not modelled.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;
use aws_sdk_kinesis::types::{Record, ShardIteratorType};
use aws_sdk_lambda::{primitives::Blob, types::EventSourceMappingConfiguration};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    batch::{Batch, Outcome},
    checkpoints::Checkpoints,
    given_up::{Destination, InvocationRecord, Store},
};
use crate::local::say::say;
use crate::stack::local_stack::LOCAL_REGION;

/// How long it waits before it reads an empty shard again.
const IDLE: Duration = Duration::from_millis(250);

/// How long a failed batch waits before it is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Polls for every stream mapping that is disabled in the emulator, including those that are added
/// later, until the mapping is deleted.
///
/// With a file for its checkpoints, it continues where it last stopped. The emulator's Python puts
/// objects into buckets.
pub(in crate::local) async fn run(
    sdk: SdkConfig,
    interpreter: PathBuf,
    checkpoints: Option<PathBuf>,
) -> Result<()> {
    let checkpoints = Arc::new(Checkpoints::load(checkpoints)?);
    let store = Store { interpreter, endpoint_url: sdk.endpoint_url().unwrap_or_default().to_owned() };
    let lambda = aws_sdk_lambda::Client::new(&sdk);
    // Each mapping's poller, which ends when it is taken out. All end with this future, so that no
    // checkpoint is ahead of the state that the emulator saves.
    let mut pollers: HashMap<String, JoinSet<()>> = HashMap::new();
    loop {
        match lambda.list_event_source_mappings().send().await {
            Ok(response) => {
                let mappings = response.event_source_mappings.unwrap_or_default();
                let disabled: HashMap<_, _> = mappings.into_iter().filter_map(disabled_mapping).collect();
                pollers.retain(|uuid, _| disabled.contains_key(uuid));
                for (uuid, mapping) in disabled {
                    pollers.entry(uuid).or_insert_with(|| {
                        let poller = Poller::new(&sdk, mapping, store.clone(), checkpoints.clone());
                        JoinSet::from_iter([async move { poller.poll().await }])
                    });
                }
            }
            Err(error) => {
                say(&format!("cannot list the event source mappings: {:#}", anyhow::Error::from(error)));
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// A stream's mapping that is disabled in the emulator, by its id.
fn disabled_mapping(
    mapping: EventSourceMappingConfiguration,
) -> Option<(String, EventSourceMappingConfiguration)> {
    let is_ours = mapping.event_source_arn().is_some_and(|arn| arn.contains(":kinesis:"))
        && mapping.state() == Some("Disabled");
    if is_ours { Some((mapping.uuid.clone()?, mapping)) } else { None }
}

#[derive(Clone)]
struct Poller {
    kinesis: aws_sdk_kinesis::Client,
    lambda: aws_sdk_lambda::Client,
    sqs: aws_sdk_sqs::Client,
    mapping: EventSourceMappingConfiguration,
    store: Store,
    checkpoints: Arc<Checkpoints>,
}

impl Poller {
    fn new(
        sdk: &SdkConfig,
        mapping: EventSourceMappingConfiguration,
        store: Store,
        checkpoints: Arc<Checkpoints>,
    ) -> Self {
        let (kinesis, lambda) = (aws_sdk_kinesis::Client::new(sdk), aws_sdk_lambda::Client::new(sdk));
        Self { kinesis, lambda, sqs: aws_sdk_sqs::Client::new(sdk), mapping, store, checkpoints }
    }

    /// Polls every shard without end.
    async fn poll(&self) {
        let shards = loop {
            let list = self.kinesis.list_shards().set_stream_arn(self.mapping.event_source_arn.clone());
            match list.send().await {
                Ok(response) => break response.shards.unwrap_or_default(),
                Err(error) => self.say_and_wait(&error.into()).await,
            }
        };
        let mut polls = JoinSet::new();
        for shard in shards {
            let poller = self.clone();
            polls.spawn(async move {
                // It ends where the shard ends.
                while let Err(error) = poller.poll_shard(shard.shard_id()).await {
                    poller.say_and_wait(&error).await;
                }
            });
        }
        while polls.join_next().await.is_some() {}
    }

    async fn say_and_wait(&self, error: &anyhow::Error) {
        let stream = self.mapping.event_source_arn().unwrap_or_default();
        say(&format!("the Kinesis poller of {stream} tries again: {error:#}"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    /// Reads a shard from its checkpoint on, to its end.
    async fn poll_shard(&self, shard_id: &str) -> Result<()> {
        // A mapping's place on the stream is its own: another one, of a stack that is made again, begins anew.
        let position = format!("{}/{shard_id}", self.mapping.uuid().unwrap_or_default());
        let checkpoint = self.checkpoints.get(&position);
        let start = match checkpoint {
            Some(_) => ShardIteratorType::AfterSequenceNumber,
            None => ShardIteratorType::TrimHorizon,
        };
        let iterator = self.kinesis.get_shard_iterator().shard_id(shard_id).shard_iterator_type(start);
        let iterator = iterator.set_stream_arn(self.mapping.event_source_arn.clone());
        let mut iterator = iterator.set_starting_sequence_number(checkpoint).send().await?.shard_iterator;
        while let Some(current) = iterator {
            let read = self.kinesis.get_records().shard_iterator(current);
            let read = read.set_limit(self.mapping.batch_size).send().await?;
            iterator = read.next_shard_iterator;
            match read.records.last().map(|record| record.sequence_number().to_owned()) {
                None => tokio::time::sleep(IDLE).await,
                Some(last) => {
                    self.work_through(shard_id, read.records).await?;
                    self.checkpoints.set(&position, last)?;
                }
            }
        }
        Ok(())
    }

    /// Invokes the function until every record is done or given up.
    async fn work_through(&self, shard_id: &str, records: Vec<Record>) -> Result<()> {
        let mut waiting = vec![Batch { records, retries: 0 }];
        while let Some(batch) = waiting.pop() {
            let (given_up, batch) = batch.give_up(&self.mapping, storehook_aws::now());
            if let Some((reason, batch)) = given_up {
                let payload = self.event(shard_id, &batch.records).to_string();
                let record = InvocationRecord { reason, shard_id, batch: &batch, payload };
                self.keep(&record).await?;
            }
            if batch.records.is_empty() {
                continue;
            }
            let outcome = self.invoke(shard_id, &batch.records).await?;
            let next = batch.after(&outcome, self.mapping.bisect_batch_on_function_error() == Some(true));
            if !next.is_empty() {
                tokio::time::sleep(RETRY).await;
            }
            waiting.extend(next.into_iter().rev());
        }
        Ok(())
    }

    async fn invoke(&self, shard_id: &str, records: &[Record]) -> Result<Outcome> {
        let event = self.event(shard_id, records);
        let call = self.lambda.invoke().set_function_name(self.mapping.function_arn.clone());
        let response = match call.payload(Blob::new(event.to_string())).send().await {
            Ok(response) => response,
            Err(error) => {
                say(&format!("cannot invoke the fan-out: {:#}", anyhow::Error::from(error)));
                return Ok(Outcome::Error);
            }
        };
        if response.function_error().is_some() {
            return Ok(Outcome::Error);
        }
        let payload = response.payload().map(Blob::as_ref).unwrap_or_default();
        Ok(Outcome::of(payload, records))
    }

    /// The event that the function gets.
    fn event(&self, shard_id: &str, records: &[Record]) -> Value {
        let arn = self.mapping.event_source_arn();
        let records: Vec<_> = records.iter().map(|record| record_json(record, shard_id, arn)).collect();
        json!({ "Records": records })
    }

    /// Sends what is given up to the on-failure destination.
    async fn keep(&self, record: &InvocationRecord<'_>) -> Result<()> {
        let arn = self.mapping.destination_config().and_then(|config| config.on_failure()?.destination());
        match arn.map(Destination::parse).transpose()? {
            None => {}
            Some(Destination::Queue(queue)) => {
                let url = self.sqs.get_queue_url().queue_name(queue).send().await?.queue_url;
                let message = record.to_json(&self.mapping, storehook_aws::now());
                let send = self.sqs.send_message().set_queue_url(url).message_body(message.to_string());
                send.send().await.context("the on-failure destination refused the message")?;
            }
            Some(Destination::Bucket(bucket)) => self.store.put(&bucket, record, &self.mapping).await?,
        }
        Ok(())
    }
}

/// A record as Lambda hands it to a function.
fn record_json(record: &Record, shard_id: &str, stream_arn: Option<&str>) -> Value {
    let arrived_at = record.approximate_arrival_timestamp().map(|time| time.as_secs_f64());
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key(),
            "sequenceNumber": record.sequence_number(),
            "data": STANDARD.encode(record.data()),
            "approximateArrivalTimestamp": arrived_at,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("{shard_id}:{}", record.sequence_number()),
        "eventName": "aws:kinesis:record",
        "awsRegion": LOCAL_REGION,
        "eventSourceARN": stream_arn,
    })
}
