//! Records read from the stream again, by their place.

use std::{cmp::Ordering, time::Duration};

use anyhow::{Context as _, Result};
use aws_sdk_kinesis::{
    Client,
    error::SdkError,
    operation::get_shard_iterator::GetShardIteratorError,
    types::{Record, ShardIteratorType},
};
use jiff::Timestamp;

use super::piece::{Origin, Piece, Place};

/// The wait between two reads. A shard takes five a second, and Lambda makes one of them ("Quotas and
/// limits", Kinesis Data Streams).
const BETWEEN_READS: Duration = Duration::from_millis(300);

/// Reads the records at a place; `None` if the stream no longer keeps all of them.
///
/// # Errors
///
/// Kinesis does not respond, or refuses.
pub async fn records_at(client: &Client, stream: &str, place: &Place) -> Result<Option<Vec<Piece>>> {
    let iterator = client.get_shard_iterator().stream_name(stream).shard_id(&place.shard_id);
    let iterator = iterator
        .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
        .starting_sequence_number(&place.start_sequence_number);
    let mut iterator = match iterator.send().await {
        Ok(response) => response.shard_iterator,
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(error).context("the stream cannot be read"),
    };
    let mut pieces = Vec::new();
    while let Some(current) = iterator {
        let read = client.get_records().shard_iterator(current).send().await;
        let read = read.context("the stream cannot be read")?;
        let is_at_the_end = read.records.is_empty() && read.millis_behind_latest == Some(0);
        for record in read.records {
            let is_the_first = pieces.is_empty();
            if is_the_first && record.sequence_number != place.start_sequence_number {
                return Ok(None);
            }
            match in_order(&record.sequence_number, &place.end_sequence_number) {
                // The last record of the place is not there.
                Ordering::Greater => return Ok(None),
                Ordering::Equal => {
                    pieces.extend(pieces_of(record, &place.shard_id));
                    return Ok(Some(pieces));
                }
                Ordering::Less => pieces.extend(pieces_of(record, &place.shard_id)),
            }
        }
        if is_at_the_end {
            break;
        }
        iterator = read.next_shard_iterator;
        tokio::time::sleep(BETWEEN_READS).await;
    }
    Ok(None)
}

/// Whether the shard, or the record on it, is no longer there.
fn is_gone(error: &SdkError<GetShardIteratorError>) -> bool {
    let error = error.as_service_error();
    error
        .is_some_and(|error| error.is_resource_not_found_exception() || error.is_invalid_argument_exception())
}

/// The order of sequence numbers: whole numbers of up to 128 digits.
fn in_order(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

fn pieces_of(record: Record, shard_id: &str) -> Vec<Piece> {
    let arrived_at = record.approximate_arrival_timestamp;
    let arrived_at = arrived_at.and_then(|time| time.to_millis().ok());
    let arrived_at = arrived_at.and_then(|time| Timestamp::from_millisecond(time).ok());
    let origin = Origin {
        shard_id: shard_id.to_owned(),
        sequence_number: record.sequence_number,
        arrived_at: arrived_at.unwrap_or(Timestamp::UNIX_EPOCH),
        partition_key: record.partition_key,
    };
    Piece::of_record(origin, record.data.into_inner(), false, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_are_in_the_order_of_numbers() {
        for (one, other, expected) in [
            ("9", "10", Ordering::Less),
            ("49590338271490256608559692538361571095921575989136588898", "7", Ordering::Greater),
            ("0012", "12", Ordering::Equal),
            ("21", "12", Ordering::Greater),
        ] {
            assert_eq!(in_order(one, other), expected, "{one} {other}");
        }
    }
}
