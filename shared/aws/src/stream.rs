//! The event stream: putting many records at once.
//!
//! Kinesis takes at most 500 records in a `PutRecords` call. The limit of a call's size was 5 MiB
//! for many years and is 10 MiB now (`PutRecords`, Kinesis Data Streams API Reference); calls here
//! keep to 5 MiB. A larger call fails as a whole.
//!
//! A call can succeed for some records only. Each shard takes 1,000 records and 1 MB a second, and
//! the records of a busier shard come back with an error code, as do those of an internal failure.
//! The SDK does not retry them: [`put`] returns them, and the caller puts them again. Order is not
//! kept between records of a call.

use aws_sdk_kinesis::{Client, primitives::Blob, types::PutRecordsRequestEntry};

/// A record to put on the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The key that decides its shard: the shop and the payload's id.
    pub partition_key: String,
    /// The event's JSON.
    pub data: Vec<u8>,
}

/// The records of a call that the stream did not take.
#[derive(Debug, Default)]
pub struct Untaken {
    /// The records, each with its index in the call.
    pub records: Vec<(usize, Record)>,
    /// The stream's reason for the last of them.
    pub reason: Option<String>,
}

/// Why a call failed. Its records may be on the stream or not.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Kinesis could not be reached or refused the call.
    #[error("the call of Kinesis failed")]
    Call(#[source] Box<aws_sdk_kinesis::Error>),
    /// The response has another number of results than the call had records.
    #[error("Kinesis returned {results} results for {records} records")]
    Results {
        /// The number of results.
        results: usize,
        /// The number of records.
        records: usize,
    },
}

/// How many of these records fit into one call, counted from the first. It is at least 1: a record
/// that is too large alone fails by itself.
pub fn batch_length(records: &[Record]) -> usize {
    let mut bytes = 0;
    let fitting = records.iter().take(500).take_while(|record| {
        bytes += record.data.len() + record.partition_key.len();
        bytes <= 5 * 1024 * 1024
    });
    fitting.count().max(1)
}

/// Puts records in one call. Returns those that the stream did not take.
///
/// # Errors
///
/// The call failed, or its response is malformed.
pub async fn put(client: &Client, stream: &str, records: Vec<Record>) -> Result<Untaken, StreamError> {
    let entries = records.iter().map(|record| {
        let entry = PutRecordsRequestEntry::builder().partition_key(&record.partition_key);
        entry.data(Blob::new(record.data.as_slice())).build()
    });
    let entries = entries.collect::<Result<_, _>>();
    let entries = entries.map_err(|error| StreamError::Call(Box::new(error.into())))?;
    let response = client.put_records().stream_name(stream).set_records(Some(entries)).send().await;
    let response = response.map_err(|error| StreamError::Call(Box::new(error.into())))?;
    let results = response.records();
    if results.len() != records.len() {
        return Err(StreamError::Results { results: results.len(), records: records.len() });
    }
    let mut untaken = Untaken::default();
    for ((index, record), result) in records.into_iter().enumerate().zip(results) {
        if result.error_code().is_some() {
            untaken.records.push((index, record));
            untaken.reason = result.error_message().or(result.error_code()).map(str::to_owned);
        }
    }
    Ok(untaken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_at_most_500_records_and_5_mib() {
        let record = |size| Record { partition_key: "k".to_owned(), data: vec![0; size] };
        for (records, length) in [
            (vec![record(1); 501], 500),
            (vec![record(1024 * 1024); 6], 4),
            (vec![record(6 * 1024 * 1024); 2], 1),
            (vec![record(1); 3], 3),
        ] {
            assert_eq!(batch_length(&records), length);
        }
    }
}
