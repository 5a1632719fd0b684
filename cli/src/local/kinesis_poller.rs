//! The Kinesis poller: what Lambda's event source mapping does for a stream, in place of
//! the emulator's.
//!
//! **The gap it fills:** MiniStack 1.5.33 polls a stream, but ignores `batchItemFailures`
//! (what failed is lost, and reported as processed), `BisectBatchOnFunctionError`,
//! `MaximumRetryAttempts`, `MaximumRecordAgeInSeconds` and the on-failure destination. The
//! template's mapping is therefore disabled in the emulator after it is deployed, and this
//! poller reads the mapping's own settings and does what AWS documents: it reads each
//! shard in order, goes on after a batch only when every record of it is done or given up,
//! starts again from the first record that an answer names as failed, halves a batch that
//! made the function fail, and sends word of what it gives up to the destination.
//!
//! One batch of a shard is on its way at a time; `ParallelizationFactor` is not modelled.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;
use aws_sdk_kinesis::types::{Record, ShardIteratorType};
use aws_sdk_lambda::{primitives::Blob, types::EventSourceMappingConfiguration};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connection::LOCAL_REGION;

/// How long an empty shard is left alone.
const IDLE: Duration = Duration::from_millis(250);

/// How long a failed batch waits before it is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Polls for every mapping of a stream that there is, also for those that are added later.
pub(super) async fn run(sdk: SdkConfig) {
    let lambda = aws_sdk_lambda::Client::new(&sdk);
    let mut polled = HashSet::new();
    loop {
        let mappings = match lambda.list_event_source_mappings().send().await {
            Ok(answer) => answer.event_source_mappings.unwrap_or_default(),
            Err(error) => {
                super::say(&format!(
                    "the event source mappings could not be listed: {:#}",
                    anyhow::Error::from(error)
                ));
                Vec::new()
            }
        };
        for mapping in mappings {
            let is_new = mapping.uuid().is_some_and(|uuid| polled.insert(uuid.to_owned()));
            if is_new && mapping.event_source_arn().is_some_and(|arn| arn.contains(":kinesis:")) {
                let poller = Poller::new(&sdk, mapping);
                tokio::spawn(async move {
                    if let Err(error) = poller.poll().await {
                        super::say(&format!("the Kinesis poller has stopped: {error:#}"));
                    }
                });
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[derive(Clone)]
struct Poller {
    kinesis: aws_sdk_kinesis::Client,
    lambda: aws_sdk_lambda::Client,
    sqs: aws_sdk_sqs::Client,
    mapping: EventSourceMappingConfiguration,
}

impl Poller {
    fn new(sdk: &SdkConfig, mapping: EventSourceMappingConfiguration) -> Self {
        let (kinesis, lambda) = (aws_sdk_kinesis::Client::new(sdk), aws_sdk_lambda::Client::new(sdk));
        Self { kinesis, lambda, sqs: aws_sdk_sqs::Client::new(sdk), mapping }
    }

    async fn poll(&self) -> Result<()> {
        let shards =
            self.kinesis.list_shards().set_stream_arn(self.mapping.event_source_arn.clone()).send().await?;
        let polls = shards.shards().iter().map(|shard| {
            let (poller, shard_id) = (self.clone(), shard.shard_id().to_owned());
            tokio::spawn(async move { poller.poll_shard(&shard_id).await })
        });
        for poll in polls.collect::<Vec<_>>() {
            poll.await??;
        }
        Ok(())
    }

    async fn poll_shard(&self, shard_id: &str) -> Result<()> {
        let start = self.kinesis.get_shard_iterator().shard_id(shard_id);
        let start = start.set_stream_arn(self.mapping.event_source_arn.clone());
        let start = start.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?;
        let mut iterator = start.shard_iterator;
        while let Some(current) = iterator {
            let read = self.kinesis.get_records().shard_iterator(current);
            let read = read.set_limit(self.mapping.batch_size).send().await?;
            iterator = read.next_shard_iterator;
            if read.records.is_empty() {
                tokio::time::sleep(IDLE).await;
            } else {
                self.work_through(shard_id, read.records).await?;
            }
        }
        Ok(())
    }

    /// Invokes the function until every record is done or given up.
    async fn work_through(&self, shard_id: &str, records: Vec<Record>) -> Result<()> {
        let mut waiting = vec![Batch { records, retries: 0 }];
        while let Some(batch) = waiting.pop() {
            if is_given_up(&batch, &self.mapping, storehook_aws::now()) {
                self.give_up(shard_id, &batch).await?;
                continue;
            }
            let answer = self.invoke(shard_id, &batch.records).await?;
            let next = batch.after(&answer, self.mapping.bisect_batch_on_function_error() == Some(true));
            if !next.is_empty() {
                tokio::time::sleep(RETRY).await;
            }
            waiting.extend(next.into_iter().rev());
        }
        Ok(())
    }

    async fn invoke(&self, shard_id: &str, records: &[Record]) -> Result<Answer> {
        let arn = self.mapping.event_source_arn();
        let event = json!({ "Records": records.iter().map(|record| record_json(record, shard_id, arn)).collect::<Vec<_>>() });
        let call = self.lambda.invoke().set_function_name(self.mapping.function_arn.clone());
        let answer = match call.payload(Blob::new(event.to_string())).send().await {
            Ok(answer) => answer,
            Err(error) => {
                super::say(&format!("the fan-out could not be invoked: {:#}", anyhow::Error::from(error)));
                return Ok(Answer::Error);
            }
        };
        if answer.function_error().is_some() {
            return Ok(Answer::Error);
        }
        let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
        Ok(Answer::of(payload, records))
    }

    /// Tells the on-failure destination where on the stream the records stand that are given up.
    async fn give_up(&self, shard_id: &str, batch: &Batch) -> Result<()> {
        let destination =
            self.mapping.destination_config().and_then(|config| config.on_failure()?.destination());
        let Some(destination) = destination else { return Ok(()) };
        let queue = destination.rsplit(':').next().unwrap_or_default();
        let url = self.sqs.get_queue_url().queue_name(queue).send().await?.queue_url;
        let sequence_number =
            |record: Option<&Record>| record.map(|record| record.sequence_number().to_owned());
        let message = json!({
            "requestContext": { "functionArn": self.mapping.function_arn(), "approximateInvokeCount": batch.retries + 1 },
            "timestamp": storehook_aws::now(),
            "KinesisBatchInfo": {
                "shardId": shard_id,
                "startSequenceNumber": sequence_number(batch.records.first()),
                "endSequenceNumber": sequence_number(batch.records.last()),
                "batchSize": batch.records.len(),
                "streamArn": self.mapping.event_source_arn(),
            },
        });
        let send = self.sqs.send_message().set_queue_url(url).message_body(message.to_string());
        send.send().await.context("the on-failure destination took no message")?;
        Ok(())
    }
}

/// Records that are handed over together, and how often they have been handed over before.
#[derive(Debug, Clone, PartialEq)]
struct Batch {
    records: Vec<Record>,
    retries: i32,
}

/// What an invocation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// Every record is done.
    Done,
    /// The records before this place are done.
    FailedFrom(usize),
    /// The function failed.
    Error,
}

impl Answer {
    /// Reads `batchItemFailures`: the lowest place counts, and an item that is not of the
    /// batch fails all of it.
    fn of(payload: &[u8], records: &[Record]) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Response {
            batch_item_failures: Vec<Failure>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Failure {
            item_identifier: Option<String>,
        }
        let response: Response = match serde_json::from_slice::<Option<Response>>(payload) {
            Ok(response) => response.unwrap_or_default(),
            Err(_) => return Self::Error,
        };
        let place_of = |failure: &Failure| {
            let number = failure.item_identifier.as_deref();
            records.iter().position(|record| Some(record.sequence_number()) == number).unwrap_or(0)
        };
        response.batch_item_failures.iter().map(place_of).min().map_or(Self::Done, Self::FailedFrom)
    }
}

impl Batch {
    /// What is still to be done, in order. Halving a batch does not count as a retry.
    fn after(self, answer: &Answer, bisect: bool) -> Vec<Self> {
        let Self { mut records, retries } = self;
        match answer {
            Answer::Done => vec![],
            Answer::FailedFrom(place) => {
                let rest = records.split_off((*place).min(records.len()));
                vec![Self { records: rest, retries: retries + 1 }]
            }
            Answer::Error if bisect && records.len() > 1 => {
                let second = records.split_off(records.len() / 2);
                vec![Self { records, retries }, Self { records: second, retries }]
            }
            Answer::Error => vec![Self { records, retries: retries + 1 }],
        }
    }
}

/// Whether a batch has used its retries up, or its oldest record is too old. -1 is no limit.
fn is_given_up(batch: &Batch, mapping: &EventSourceMappingConfiguration, now: Timestamp) -> bool {
    let is_over =
        |limit: Option<i32>, value: i64| limit.is_some_and(|limit| limit >= 0 && value > i64::from(limit));
    let arrived_at = batch.records.first().and_then(|record| record.approximate_arrival_timestamp());
    let age = arrived_at.map_or(0, |arrived_at| now.as_second() - arrived_at.secs());
    is_over(mapping.maximum_retry_attempts(), i64::from(batch.retries))
        || (batch.retries > 0 && is_over(mapping.maximum_record_age_in_seconds(), age))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn records(numbers: std::ops::Range<u32>) -> Vec<Record> {
        let record = |number: u32| {
            let builder = Record::builder().sequence_number(number.to_string()).partition_key("k");
            builder.data(aws_sdk_kinesis::primitives::Blob::new([])).build().unwrap()
        };
        numbers.map(record).collect()
    }

    #[test]
    fn an_answer_is_read_as_lambda_reads_it() {
        for (payload, answer) in [
            ("null", Answer::Done),
            ("{}", Answer::Done),
            (r#"{"batchItemFailures": []}"#, Answer::Done),
            (
                r#"{"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}"#,
                Answer::FailedFrom(2),
            ),
            (r#"{"batchItemFailures": [{"itemIdentifier": "77"}]}"#, Answer::FailedFrom(0)),
            (r#"{"batchItemFailures": [{"itemIdentifier": null}]}"#, Answer::FailedFrom(0)),
            ("no json", Answer::Error),
        ] {
            assert_eq!(Answer::of(payload.as_bytes(), &records(0..4)), answer, "{payload}");
        }
    }

    #[test]
    fn a_batch_goes_on_from_its_first_failure_and_is_halved_by_an_error() {
        let batch = |numbers, retries| Batch { records: records(numbers), retries };
        for (answer, bisect, next) in [
            (Answer::Done, true, vec![]),
            (Answer::FailedFrom(0), true, vec![batch(0..5, 2)]),
            (Answer::FailedFrom(3), true, vec![batch(3..5, 2)]),
            (Answer::Error, true, vec![batch(0..2, 1), batch(2..5, 1)]),
            (Answer::Error, false, vec![batch(0..5, 2)]),
        ] {
            assert_eq!(batch(0..5, 1).after(&answer, bisect), next, "{answer:?}");
        }
        assert_eq!(batch(0..1, 1).after(&Answer::Error, true), vec![batch(0..1, 2)]);
    }

    #[test]
    fn a_batch_is_given_up_after_its_retries_and_not_before() {
        let now = Timestamp::UNIX_EPOCH;
        for (limit, retries, is_given_up_then) in
            [(Some(2), 2, false), (Some(2), 3, true), (Some(-1), 99, false), (None, 99, false)]
        {
            let mapping =
                EventSourceMappingConfiguration::builder().set_maximum_retry_attempts(limit).build();
            let batch = Batch { records: records(0..1), retries };
            assert_eq!(is_given_up(&batch, &mapping, now), is_given_up_then, "{limit:?} {retries}");
        }
    }
}
