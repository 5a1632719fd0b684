//! Records that hold many: those of the Kinesis Producer Library, which packs small records into
//! larger ones to save calls.
//!
//! Such a record is four magic bytes, a protobuf message (`AggregatedRecord` of the library's
//! *aggregation format*), and the MD5 of the message. No JSON begins with the magic bytes, so the
//! two kinds cannot be mistaken for each other. The records inside are read like any others, each
//! by itself. The whole is rejected only if it cannot be taken apart.
//!
//! A record inside has no sequence number of its own. It has that of the whole, `:` and its index,
//! from 0. So events without an id get one from there, the same each time the whole is read.

use md5::{Digest as _, Md5};
use prost::Message as _;

/// What such a record begins with.
const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

/// How many bytes an MD5 has.
const DIGEST_LENGTH: usize = 16;

/// The most records in one. By default the library packs 50 KiB, which are hundreds.
pub const INNER_LIMIT: usize = 10_000;

/// Why a record cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAggregate {
    /// It was cut or changed on its way.
    #[error("the record is aggregated, and its MD5 is wrong")]
    WrongDigest,
    /// The message is no `AggregatedRecord`.
    #[error("the record is aggregated, and its protobuf message is malformed")]
    Malformed,
    /// It has more records than one invocation takes.
    #[error("the record is aggregated from {0} records, and {INNER_LIMIT} are the most")]
    TooMany(usize),
}

/// The part of the message that is read. The rest is partition keys, which say nothing of events.
#[derive(Clone, PartialEq, prost::Message)]
struct AggregatedRecord {
    #[prost(message, repeated, tag = "3")]
    records: Vec<InnerRecord>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct InnerRecord {
    #[prost(bytes = "vec", tag = "3")]
    data: Vec<u8>,
}

/// Takes a record apart; `None` if it is a plain one.
///
/// # Errors
///
/// It is aggregated and damaged, or has too many records.
pub fn inner_records(record: &[u8]) -> Option<Result<Vec<Vec<u8>>, InvalidAggregate>> {
    record.strip_prefix(&MAGIC).map(take_apart)
}

/// The place of a record inside another one.
pub fn inner_sequence_number(whole: &str, index: usize) -> String {
    format!("{whole}:{index}")
}

fn take_apart(rest: &[u8]) -> Result<Vec<Vec<u8>>, InvalidAggregate> {
    let (message, digest) = rest
        .len()
        .checked_sub(DIGEST_LENGTH)
        .and_then(|end| rest.split_at_checked(end))
        .ok_or(InvalidAggregate::WrongDigest)?;
    if Md5::digest(message)[..] != *digest {
        return Err(InvalidAggregate::WrongDigest);
    }
    let records = AggregatedRecord::decode(message).map_err(|_| InvalidAggregate::Malformed)?.records;
    if records.len() > INNER_LIMIT {
        return Err(InvalidAggregate::TooMany(records.len()));
    }
    Ok(records.into_iter().map(|record| record.data).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::event::{InvalidEvent, StoreEvent, origin::RecordOrigin};

    /// A record as the library packs it, with keys, hash keys and tags.
    fn packed(message: &[u8]) -> Vec<u8> {
        [&MAGIC, message, &Md5::digest(message)[..]].concat()
    }

    /// The message of two records, `a` and `bc`, byte by byte (protobuf, *encoding*).
    const MESSAGE: &[u8] = b"\x0a\x01k\x0a\x02k2\x12\x011\x1a\x05\x08\x00\x1a\x01a\x1a\x10\x08\x01\x10\x00\x1a\x02bc\x22\x06\x0a\x01t\x12\x01v";

    #[test]
    fn an_aggregated_record_is_taken_apart_in_its_order() {
        let message = AggregatedRecord {
            records: [b"a".to_vec(), Vec::new(), b"a".to_vec()].map(|data| InnerRecord { data }).to_vec(),
        };
        for (message, expected) in [
            (MESSAGE.to_vec(), vec![b"a".to_vec(), b"bc".to_vec()]),
            (message.encode_to_vec(), vec![b"a".to_vec(), Vec::new(), b"a".to_vec()]),
            (Vec::new(), vec![]),
        ] {
            assert_eq!(inner_records(&packed(&message)), Some(Ok(expected)));
        }
    }

    #[test]
    fn the_most_records_are_taken_apart() {
        let message = AggregatedRecord { records: vec![InnerRecord::default(); INNER_LIMIT] };
        let taken = inner_records(&packed(&message.encode_to_vec()));
        assert_eq!(taken.map(|records| records.map(|records| records.len())), Some(Ok(INNER_LIMIT)));
    }

    /// Kinesis may hand over the same record twice. Receivers know a repeated event by its id.
    #[test]
    fn events_without_an_id_get_one_each_which_is_the_same_at_every_reading()
    -> Result<(), Box<dyn std::error::Error>> {
        let places = [("1", 0), ("1", 1), ("1", 11), ("11", 1), ("2", 0)];
        let ids = || -> Result<Vec<_>, InvalidEvent> {
            let id_of = |(whole, index)| {
                let sequence_number = &inner_sequence_number(whole, index);
                let arrived_at = jiff::Timestamp::UNIX_EPOCH;
                let origin = RecordOrigin { shard_id: "s", sequence_number, arrived_at };
                let record = br#"{"shop": "a.example", "topic": "orders/paid", "payload": {}}"#;
                StoreEvent::parse(record, &origin).map(|event| event.id.to_string())
            };
            places.into_iter().map(id_of).collect()
        };
        let first = ids()?;
        assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), places.len(), "{first:?}");
        assert_eq!(ids()?, first);
        Ok(())
    }

    #[test]
    fn a_plain_record_is_not_taken_apart() {
        for plain in [&b"{}"[..], b"", b"\xf3", b"\xf3\x89\x9a", b"\xf3\x89\x9a\xc3aaaaaaaaaaaaaaaaaaaaa"] {
            assert_eq!(inner_records(plain), None, "{plain:?}");
        }
    }

    #[test]
    fn a_damaged_record_is_rejected_with_the_reason() {
        let mut changed = packed(MESSAGE);
        changed[10] ^= 1;
        let cut = packed(MESSAGE)[..30].to_vec();
        let too_many = AggregatedRecord { records: vec![InnerRecord::default(); INNER_LIMIT + 1] };
        for (record, expected) in [
            (changed, InvalidAggregate::WrongDigest),
            (cut, InvalidAggregate::WrongDigest),
            (MAGIC.to_vec(), InvalidAggregate::WrongDigest),
            (packed(b"\x1a\x7f"), InvalidAggregate::Malformed),
            (packed(b"not protobuf"), InvalidAggregate::Malformed),
            (packed(&too_many.encode_to_vec()), InvalidAggregate::TooMany(INNER_LIMIT + 1)),
        ] {
            assert_eq!(inner_records(&record), Some(Err(expected)));
        }
    }
}
