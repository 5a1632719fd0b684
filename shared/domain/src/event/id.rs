//! Events' ids.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    event::origin::RecordOrigin,
    input::parsed_text::{text_conversions, text_display},
};

/// An event's id: `[A-Za-z0-9_-]{1,64}`. It has no dot, because it is part of the signed
/// `id.timestamp.body` of Standard Webhooks.
///
/// ```
/// use storehook_domain::event::id::EventId;
///
/// assert!(EventId::parse("01JD-x_9").is_ok());
/// assert!(EventId::parse("order.17").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(String);

/// The text is no event id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event id {}", EventId::RULE)]
pub struct InvalidEventId;

impl EventId {
    /// What an event id must be, in the words of the API.
    pub const RULE: &str = "must be 1 to 64 letters, digits, '_' or '-'";

    /// Reads an event id.
    ///
    /// # Errors
    ///
    /// The id is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, InvalidEventId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEventId)
        }
    }

    /// The id for a record that names none. It is the same each time that record is read, and
    /// different for each other record. Shard id and sequence number have up to 77 characters
    /// together, so the id is the first half of their SHA-256.
    pub fn of_record(origin: &RecordOrigin<'_>) -> Self {
        let position = format!("{}:{}", origin.shard_id, origin.sequence_number);
        let digest = Sha256::digest(position.as_bytes());
        Self(hex::encode(&digest[..16]))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_conversions!(EventId, InvalidEventId);
text_display!(EventId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_is_a_short_word_without_dots() {
        let long = "a".repeat(64);
        for (text, is_valid) in [
            ("01JD-x_9", true),
            (long.as_str(), true),
            ("", false),
            ("a.b", false),
            ("a b", false),
            ("é", false),
        ] {
            assert_eq!(EventId::parse(text).is_ok(), is_valid, "{text:?}");
        }
        assert_eq!(EventId::parse(&format!("{long}a")), Err(InvalidEventId));
    }

    #[test]
    fn a_record_without_an_id_gets_one_from_its_stream_position() {
        let id = |shard_id, sequence_number| {
            EventId::of_record(&RecordOrigin {
                shard_id,
                sequence_number,
                arrived_at: jiff::Timestamp::UNIX_EPOCH,
            })
        };
        let first = id("shardId-000000000006", "49590338271490256608559692538361571095921575989136588898");
        assert_eq!(EventId::parse(first.as_str()), Ok(first.clone()));
        assert_eq!(
            first,
            id("shardId-000000000006", "49590338271490256608559692538361571095921575989136588898")
        );
        assert_ne!(
            first,
            id("shardId-000000000007", "49590338271490256608559692538361571095921575989136588898")
        );
        assert_ne!(id("1", "23"), id("12", "3"));
    }
}
