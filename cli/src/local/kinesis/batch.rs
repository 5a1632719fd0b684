//! What becomes of a batch of stream records: the decisions of the Kinesis poller, without
//! its calls, as AWS documents them for an event source mapping of a stream.

use aws_sdk_kinesis::types::Record;
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use jiff::Timestamp;
use serde::Deserialize;

/// Records that are handed over together, and how often they have been handed over before.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    pub(super) retries: i32,
}

/// What an invocation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
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
        let place_of = |failure: &Failure| {
            let number = failure.item_identifier.as_deref();
            records.iter().position(|record| Some(record.sequence_number()) == number).unwrap_or(0)
        };
        response.batch_item_failures.iter().map(place_of).min().map_or(Self::Done, Self::FailedFrom)
    }
}

impl Batch {
    /// What is still to be done, in order. Halving a batch does not count as a retry.
    pub(super) fn after(self, answer: &Answer, bisect: bool) -> Vec<Self> {
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

    #[test]
    fn a_batch_that_has_failed_is_given_up_when_its_oldest_record_is_too_old() {
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
