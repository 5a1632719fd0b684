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

/// Why records are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// They are too old.
    Age,
    /// They have been tried as often as the mapping allows.
    Retries,
}

impl Batch {
    /// Takes the records out of a batch that are given up, with the reason.
    ///
    /// Age counts before the first try, too: a mapping that lags gives healthy records up.
    pub(super) fn give_up(
        mut self,
        mapping: &EventSourceMappingConfiguration,
        now: Timestamp,
    ) -> (Option<(GivenUp, Self)>, Self) {
        let retries = self.retries;
        let is_too_old = |record: &Record| {
            let age = record.approximate_arrival_timestamp().map_or(0, |at| now.as_second() - at.secs());
            is_over(mapping.maximum_record_age_in_seconds(), age)
        };
        let reason = if is_over(mapping.maximum_retry_attempts(), i64::from(retries)) {
            GivenUp::Retries
        } else {
            GivenUp::Age
        };
        let end = match reason {
            GivenUp::Retries => self.records.len(),
            GivenUp::Age => self.records.iter().take_while(|record| is_too_old(record)).count(),
        };
        let rest = self.records.split_off(end);
        let given_up = (!self.records.is_empty()).then_some((reason, self));
        (given_up, Self { records: rest, retries })
    }
}

/// Whether a limit of the mapping is passed. -1 is no limit.
fn is_over(limit: Option<i32>, value: i64) -> bool {
    limit.is_some_and(|limit| limit >= 0 && value > i64::from(limit))
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
        for (limit, retries, is_given_up) in
            [(Some(2), 2, false), (Some(2), 3, true), (Some(-1), 99, false), (None, 99, false)]
        {
            let mapping =
                EventSourceMappingConfiguration::builder().set_maximum_retry_attempts(limit).build();
            let batch = Batch { records: records(0..2), retries };
            let (given_up, rest) = batch.clone().give_up(&mapping, now);
            let none = Batch { records: vec![], retries };
            let expected = if is_given_up { (Some((GivenUp::Retries, batch)), none) } else { (None, batch) };
            assert_eq!((given_up, rest), expected, "{limit:?} {retries}");
        }
    }

    #[test]
    fn records_that_are_too_old_are_given_up_tried_or_not() {
        let mut all = records(0..3);
        for (record, arrived_at) in all.iter_mut().zip([1_000, 1_000, 1_030]) {
            record.approximate_arrival_timestamp =
                Some(aws_sdk_kinesis::primitives::DateTime::from_secs(arrived_at));
        }
        for (limit, now, old) in
            [(60, 1_060, 0), (60, 1_061, 2), (60, 1_091, 3), (-1, 9_999_999, 0), (82_800, 83_801, 2)]
        {
            for retries in [0, 1] {
                let mapping =
                    EventSourceMappingConfiguration::builder().maximum_record_age_in_seconds(limit).build();
                let now = Timestamp::from_second(now).unwrap();
                let (given_up, rest) = Batch { records: all.clone(), retries }.give_up(&mapping, now);
                let given_up = given_up.map(|(reason, batch)| (reason, batch.records.len()));
                assert_eq!(given_up, (old > 0).then_some((GivenUp::Age, old)), "{limit} {now}");
                assert_eq!(rest, Batch { records: all[old..].to_vec(), retries });
            }
        }
    }
}
