//! The event stream, as those write to it who publish many events at once.

use aws_sdk_kinesis::{Client, primitives::Blob, types::PutRecordsRequestEntry};

/// A record and the key that decides its shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The shop and the payload's id.
    pub partition_key: String,
    /// The event's JSON.
    pub data: Vec<u8>,
}

/// What became of records that were put: those that the stream did not take.
#[derive(Debug, Default)]
pub struct Unput {
    /// They, each with its place among those that were put.
    pub records: Vec<(usize, Record)>,
    /// What the stream says of the last of them.
    pub reason: Option<String>,
}

/// Why a call was made in vain. What it was to put may be on the stream or not.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Kinesis could not be reached or refused the call.
    #[error("Kinesis did not do as asked")]
    Call(#[source] Box<aws_sdk_kinesis::Error>),
    /// The answer is not of as many records as there were.
    #[error("Kinesis answered for {answered} of {put} records")]
    Answer {
        /// How many it speaks of.
        answered: usize,
        /// How many there were.
        put: usize,
    },
}

/// How many of these records one call takes: at most 500 and 5 MiB (`PutRecords`, Kinesis Data Streams
/// quotas).
pub fn batch_length(records: &[Record]) -> usize {
    let mut bytes = 0;
    let fitting = records.iter().take(500).take_while(|record| {
        bytes += record.data.len() + record.partition_key.len();
        bytes <= 5 * 1024 * 1024
    });
    fitting.count().max(1)
}

/// Puts records in one call, and returns those that the stream did not take this time.
pub async fn put(client: &Client, stream: &str, records: Vec<Record>) -> Result<Unput, StreamError> {
    let entries = records.iter().map(|record| {
        let entry = PutRecordsRequestEntry::builder().partition_key(&record.partition_key);
        entry.data(Blob::new(record.data.as_slice())).build()
    });
    let entries = entries.collect::<Result<_, _>>();
    let entries = entries.map_err(|error| StreamError::Call(Box::new(error.into())))?;
    let answer = client.put_records().stream_name(stream).set_records(Some(entries)).send().await;
    let answer = answer.map_err(|error| StreamError::Call(Box::new(error.into())))?;
    let results = answer.records();
    if results.len() != records.len() {
        return Err(StreamError::Answer { answered: results.len(), put: records.len() });
    }
    let mut unput = Unput::default();
    for ((index, record), result) in records.into_iter().enumerate().zip(results) {
        if result.error_code().is_some() {
            unput.records.push((index, record));
            unput.reason = result.error_message().or(result.error_code()).map(str::to_owned);
        }
    }
    Ok(unput)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_holds_what_kinesis_takes() {
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
