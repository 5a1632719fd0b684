//! The decisions of the Kinesis poller, without its calls: what becomes of a batch of stream
//! records, as AWS documents it for an event source mapping.

use aws_sdk_kinesis::types::Record;
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use jiff::Timestamp;
use serde::Deserialize;

/// Records that the function gets together, and how often it got them before.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    pub(super) retries: i32,
}

/// The outcome of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every record is done.
    Done,
    /// The records before this index are done.
    FailedFrom(usize),
    /// The function failed.
    Error,
}

impl Outcome {
    /// Reads `batchItemFailures`: the lowest index counts, and an item that is not in the batch
    /// fails all of it.
    pub(super) fn of(payload: &[u8], records: &[Record]) -> Self {
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
        let index_of = |failure: &Failure| {
            let number = failure.item_identifier.as_deref();
            records.iter().position(|record| Some(record.sequence_number()) == number).unwrap_or(0)
        };
        response.batch_item_failures.iter().map(index_of).min().map_or(Self::Done, Self::FailedFrom)
    }
}

impl Batch {
    /// The batches that are left to do, in order. Halving a batch does not count as a retry.
    pub(super) fn after(self, outcome: &Outcome, bisect: bool) -> Vec<Self> {
        let Self { mut records, retries } = self;
        match outcome {
            Outcome::Done => vec![],
            Outcome::FailedFrom(index) => {
                let rest = records.split_off((*index).min(records.len()));
                vec![Self { records: rest, retries: retries + 1 }]
            }
            Outcome::Error if bisect && records.len() > 1 => {
                let second = records.split_off(records.len() / 2);
                vec![Self { records, retries }, Self { records: second, retries }]
            }
            Outcome::Error => vec![Self { records, retries: retries + 1 }],
        }
    }
}

/// Whether a batch has used its retries up, or its oldest record is too old. -1 is no limit.
pub(super) fn is_given_up(batch: &Batch, mapping: &EventSourceMappingConfiguration, now: Timestamp) -> bool {
    let is_over =
        |limit: Option<i32>, value: i64| limit.is_some_and(|limit| limit >= 0 && value > i64::from(limit));
    let arrived_at = batch.records.first().and_then(|record| record.approximate_arrival_timestamp());
    let age = arrived_at.map_or(0, |arrived_at| now.as_second() - arrived_at.secs());
    is_over(mapping.maximum_retry_attempts(), i64::from(batch.retries))
        || (batch.retries > 0 && is_over(mapping.maximum_record_age_in_seconds(), age))
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
    fn responses_are_read_as_lambda_reads_them() {
        for (payload, outcome) in [
            ("null", Outcome::Done),
            ("{}", Outcome::Done),
            (r#"{"batchItemFailures": []}"#, Outcome::Done),
            (
                r#"{"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}"#,
                Outcome::FailedFrom(2),
            ),
            (r#"{"batchItemFailures": [{"itemIdentifier": "77"}]}"#, Outcome::FailedFrom(0)),
            (r#"{"batchItemFailures": [{"itemIdentifier": null}]}"#, Outcome::FailedFrom(0)),
            ("no json", Outcome::Error),
        ] {
            assert_eq!(Outcome::of(payload.as_bytes(), &records(0..4)), outcome, "{payload}");
        }
    }

    #[test]
    fn a_failed_record_restarts_the_batch_and_a_function_error_halves_it() {
        let batch = |numbers, retries| Batch { records: records(numbers), retries };
        for (outcome, bisect, next) in [
            (Outcome::Done, true, vec![]),
            (Outcome::FailedFrom(0), true, vec![batch(0..5, 2)]),
            (Outcome::FailedFrom(3), true, vec![batch(3..5, 2)]),
            (Outcome::Error, true, vec![batch(0..2, 1), batch(2..5, 1)]),
            (Outcome::Error, false, vec![batch(0..5, 2)]),
        ] {
            assert_eq!(batch(0..5, 1).after(&outcome, bisect), next, "{outcome:?}");
        }
        assert_eq!(batch(0..1, 1).after(&Outcome::Error, true), vec![batch(0..1, 2)]);
    }

    #[test]
    fn batches_are_given_up_after_their_last_retry() {
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

    #[test]
    fn failed_batches_are_given_up_when_their_oldest_record_is_too_old() {
        let arrived_at = aws_sdk_kinesis::primitives::DateTime::from_secs(1_000);
        let mut old = records(0..2);
        old[0].approximate_arrival_timestamp = Some(arrived_at);
        let mapping = EventSourceMappingConfiguration::builder().maximum_record_age_in_seconds(60).build();
        for (retries, now, is_given_up_then) in [(1, 1_060, false), (1, 1_061, true), (0, 9_999, false)] {
            let batch = Batch { records: old.clone(), retries };
            let now = Timestamp::from_second(now).unwrap();
            assert_eq!(is_given_up(&batch, &mapping, now), is_given_up_then, "{retries} {now}");
        }
    }
}
