//! Rejected events: records that can never become deliveries.
//!
//! Such a record must neither block its shard nor vanish. The whole record goes to the
//! rejected-events queue, with the reason and its position on the stream, and an operator finds it
//! there. If it is larger than an SQS message, it goes as several numbered parts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    event::origin::RecordOrigin,
    payload::limits::{SQS_MESSAGE_LIMIT, escape_noncharacters},
};

/// How many bytes of a record are in one part, if it needs several: 512 KiB. As base64, and with
/// the other members, that is well within a message.
const PART_SIZE: usize = 512 * 1024;

/// How many characters of a reason are kept. It may quote the record.
const REASON_LIMIT: usize = 1_000;

/// A message on the rejected-events queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedEvent {
    /// Why the record is no event.
    pub reason: String,
    /// The shard it was read from.
    pub shard_id: String,
    /// Its sequence number on the shard.
    pub sequence_number: String,
    /// When it arrived on the stream.
    pub arrived_at: jiff::Timestamp,
    /// Which part of the record this is, from 1.
    pub part: usize,
    /// How many parts there are. A record that fits into a message has 1.
    pub parts: usize,
    /// `utf-8` if `record` is the record's text, `base64` if it is no text or has several parts.
    pub encoding: String,
    /// The record, or this part of it.
    pub record: String,
}

impl RejectedEvent {
    /// The messages that hold the whole record: one if it fits, or several parts.
    pub fn messages(record: &[u8], origin: &RecordOrigin<'_>, reason: &str) -> Vec<String> {
        let part = |part: usize, parts: usize, encoding: &str, record: String| {
            let message = Self {
                reason: reason.chars().take(REASON_LIMIT).collect(),
                shard_id: origin.shard_id.to_owned(),
                sequence_number: origin.sequence_number.to_owned(),
                arrived_at: origin.arrived_at,
                part,
                parts,
                encoding: encoding.to_owned(),
                record,
            };
            message.to_json()
        };
        let whole = match std::str::from_utf8(record) {
            Ok(text) => part(1, 1, "utf-8", text.to_owned()),
            Err(_) => part(1, 1, "base64", STANDARD.encode(record)),
        };
        if whole.len() <= SQS_MESSAGE_LIMIT {
            return vec![whole];
        }
        let parts = record.len().div_ceil(PART_SIZE);
        let numbered = record.chunks(PART_SIZE).zip(1..);
        numbered.map(|(chunk, number)| part(number, parts, "base64", STANDARD.encode(chunk))).collect()
    }

    #[expect(clippy::expect_used, reason = "a struct of texts and numbers always serializes")]
    fn to_json(&self) -> String {
        escape_noncharacters(serde_json::to_string(self).expect("plain data").into()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn check_whole(record: &[u8], parts: usize, encoding: &str) -> TestResult {
        let origin = RecordOrigin {
            shard_id: "shardId-0",
            sequence_number: "42",
            arrived_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let messages = RejectedEvent::messages(record, &origin, &"because ".repeat(1_000));
        assert_eq!(messages.len(), parts);
        let mut whole = Vec::new();
        for (message, number) in messages.iter().zip(1..) {
            assert!(message.len() <= SQS_MESSAGE_LIMIT);
            assert!(!message.contains(['\u{fffe}', '\u{ffff}']));
            let rejected: RejectedEvent = serde_json::from_str(message)?;
            assert_eq!(
                (rejected.part, rejected.parts, rejected.encoding.as_str()),
                (number, parts, encoding)
            );
            assert_eq!(rejected.reason.chars().count(), REASON_LIMIT);
            match encoding {
                "base64" => whole.extend(STANDARD.decode(rejected.record)?),
                _ => whole.extend(rejected.record.into_bytes()),
            }
        }
        assert_eq!(whole, record);
        Ok(())
    }

    #[test]
    fn any_record_is_kept_whole() -> TestResult {
        check_whole(b"not json", 1, "utf-8")?;
        check_whole(b"", 1, "utf-8")?;
        check_whole("\u{0}\u{1b}\u{fffe}\"".as_bytes(), 1, "utf-8")?;
        check_whole(b"\xff\x00\xfe", 1, "base64")?;
        check_whole(&vec![b'"'; 700 * 1024], 2, "base64")?;
        check_whole(&vec![0xff; 10 * 1024 * 1024], 20, "base64")
    }
}
