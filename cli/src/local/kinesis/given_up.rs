//! What is kept of records that the poller gives up.
//!
//! The mapping's on-failure destination gets an invocation record: a queue gets the place of the
//! records on the stream, a bucket gets their whole event as well. Form and names are those of
//! "Retain discarded batch records for a Kinesis Data Streams event source in Lambda" (AWS Lambda
//! Developer Guide). There is no SDK for S3 here: it is rare, so the emulator's Python does it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use aws_sdk_kinesis::types::Record;
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::batch::{Batch, GivenUp};
use crate::local::python;

/// Where given-up records go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A queue of this name.
    Queue(String),
    /// A bucket of this name.
    Bucket(String),
}

impl Destination {
    /// Reads the ARN of the mapping's on-failure destination.
    pub(super) fn parse(arn: &str) -> Result<Self> {
        let name = || arn.rsplit(':').next().unwrap_or_default().to_owned();
        match arn.split(':').nth(2) {
            Some("sqs") => Ok(Self::Queue(name())),
            Some("s3") => Ok(Self::Bucket(name())),
            _ => bail!("the on-failure destination {arn} is no queue and no bucket"),
        }
    }
}

/// A batch that is given up.
pub(super) struct InvocationRecord<'a> {
    pub(super) reason: GivenUp,
    pub(super) shard_id: &'a str,
    pub(super) batch: &'a Batch,
    /// The event that the function would get.
    pub(super) payload: String,
}

impl InvocationRecord<'_> {
    /// What a queue gets.
    pub(super) fn to_json(&self, mapping: &EventSourceMappingConfiguration, now: Timestamp) -> Value {
        let (first, last) = (self.batch.records.first(), self.batch.records.last());
        let number = |record: Option<&Record>| record.map(|record| record.sequence_number().to_owned());
        let arrival = |record: Option<&Record>| {
            let at = record?.approximate_arrival_timestamp()?.to_millis().ok()?;
            Some(Timestamp::from_millisecond(at).ok()?.to_string())
        };
        // AWS gives no example of the condition of age.
        let condition = match self.reason {
            GivenUp::Age => "RecordAgeExceeded",
            GivenUp::Retries => "RetryAttemptsExhausted",
        };
        json!({
            "requestContext": {
                "requestId": uuid::Uuid::new_v4().to_string(),
                "functionArn": mapping.function_arn(),
                "condition": condition,
                "approximateInvokeCount": self.batch.retries,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": now,
            "KinesisBatchInfo": {
                "shardId": self.shard_id,
                "startSequenceNumber": number(first),
                "endSequenceNumber": number(last),
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": self.batch.records.len(),
                "streamArn": mapping.event_source_arn(),
            },
        })
    }

    /// What a bucket gets: the same, and the event as a text.
    fn to_object(&self, mapping: &EventSourceMappingConfiguration, now: Timestamp) -> Value {
        let mut object = self.to_json(mapping, now);
        object["payload"] = json!(self.payload);
        object
    }

    /// The name of the object in the bucket.
    fn key(&self, mapping: &EventSourceMappingConfiguration, now: Timestamp) -> String {
        let (uuid, shard_id) = (mapping.uuid().unwrap_or_default(), self.shard_id);
        let time = now.to_zoned(TimeZone::UTC).strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S");
        format!("aws/lambda/{uuid}/{shard_id}/{time}-{}", uuid::Uuid::new_v4())
    }
}

/// The emulator's S3.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) interpreter: PathBuf,
    pub(super) endpoint_url: String,
}

impl Store {
    /// Puts a record into a bucket.
    pub(super) async fn put(
        &self,
        bucket: &str,
        record: &InvocationRecord<'_>,
        mapping: &EventSourceMappingConfiguration,
    ) -> Result<()> {
        let now = storehook_aws::now();
        let job = json!({
            "bucket": bucket,
            "key": record.key(mapping, now),
            "body": record.to_object(mapping, now).to_string(),
        });
        let script = include_str!("put_object.py");
        let put = python::run_script::<Value>(&self.interpreter, &self.endpoint_url, script, job).await;
        put.context("the on-failure destination refused the object").map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_queue_or_a_bucket() {
        for (arn, expected) in [
            ("arn:aws:sqs:us-east-1:000000000000:q", Some(Destination::Queue("q".to_owned()))),
            ("arn:aws:s3:::b", Some(Destination::Bucket("b".to_owned()))),
            ("arn:aws:sns:us-east-1:000000000000:t", None),
            ("", None),
        ] {
            assert_eq!(Destination::parse(arn).ok(), expected, "{arn}");
        }
    }

    #[test]
    fn a_bucket_gets_the_whole_event_under_the_name_that_aws_documents() {
        let record = Record::builder().sequence_number("7").partition_key("k");
        let record = record
            .data(aws_sdk_kinesis::primitives::Blob::new([]))
            .approximate_arrival_timestamp(aws_sdk_kinesis::primitives::DateTime::from_secs(0));
        let batch = Batch { records: vec![record.build().unwrap()], retries: 3 };
        let payload = r#"{"Records":[]}"#.to_owned();
        let record = InvocationRecord { reason: GivenUp::Retries, shard_id: "s-0", batch: &batch, payload };
        let mapping = EventSourceMappingConfiguration::builder().uuid("u").build();
        let now: Timestamp = "2026-11-14T00:38:06Z".parse().unwrap();
        let object = record.to_object(&mapping, now);
        assert_eq!(object["payload"], r#"{"Records":[]}"#);
        assert_eq!(object["requestContext"]["condition"], "RetryAttemptsExhausted");
        assert_eq!(object["requestContext"]["approximateInvokeCount"], 3);
        assert_eq!(object["KinesisBatchInfo"]["approximateArrivalOfFirstRecord"], "1970-01-01T00:00:00Z");
        let key = record.key(&mapping, now);
        assert!(key.starts_with("aws/lambda/u/s-0/2026/11/14/2026-11-14T00.38.06-"), "{key}");
        assert!(record.to_json(&mapping, now).get("payload").is_none(), "a queue gets the place only");
    }
}
