//! What a message of the rejected queue holds.
//!
//! Four kinds of messages come there: records that are no events, perhaps in parts; steps of jobs,
//! which failed for 48 hours; the place of records that Lambda gave up, where a mapping has the
//! queue as its destination; and what is none of these.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use storehook_domain::{
    event::{StoreEvent, rejected::RejectedEvent},
    job::message::Job,
};

use super::{
    given_up::GivenUp,
    piece::{Content, Origin, Piece},
};

/// What a message holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// Whole pieces.
    Pieces(Vec<Piece>),
    /// A part of a record.
    Part {
        /// The record's place, its reason, and what this part is of.
        rejected: Box<RejectedEvent>,
        /// The bytes of this part.
        data: Vec<u8>,
    },
}

impl Message {
    /// Reads a message with this id.
    pub fn parse(id: &str, body: &str) -> Self {
        if let Some((rejected, data)) = rejected(body) {
            return if rejected.parts > 1 {
                Self::Part { rejected: Box::new(rejected), data }
            } else {
                Self::Pieces(pieces_of(&rejected, data))
            };
        }
        if let Ok(given_up) = GivenUp::parse(body) {
            return Self::Pieces(given_up.into_pieces());
        }
        let (reason, content) = match Job::parse(body) {
            Ok(Job::FanOut(share)) => (share.reason, Content::Job(body.to_owned())),
            Ok(Job::Replay(_) | Job::Recovery(_)) => (None, Content::Job(body.to_owned())),
            Err(_) => (None, Content::Other(body.to_owned())),
        };
        Self::Pieces(vec![Piece { id: id.to_owned(), reason, content }])
    }
}

fn rejected(body: &str) -> Option<(RejectedEvent, Vec<u8>)> {
    let mut rejected: RejectedEvent = serde_json::from_str(body).ok()?;
    let record = std::mem::take(&mut rejected.record);
    let data = match rejected.encoding.as_str() {
        "utf-8" => record.into_bytes(),
        "base64" => STANDARD.decode(record).ok()?,
        _ => return None,
    };
    Some((rejected, data))
}

/// The pieces of a rejected record. Of an aggregated one that was rejected whole, the events inside
/// were sent, so only the rest is left.
pub fn pieces_of(rejected: &RejectedEvent, data: Vec<u8>) -> Vec<Piece> {
    let origin = Origin {
        shard_id: rejected.shard_id.clone(),
        sequence_number: rejected.sequence_number.clone(),
        arrived_at: rejected.arrived_at,
        partition_key: None,
    };
    let whole = origin.id();
    let mut pieces = Piece::of_record(origin, data, true, Some(&rejected.reason));
    pieces.retain(|piece| piece.id == whole || !is_event(piece));
    pieces
}

fn is_event(piece: &Piece) -> bool {
    let Content::Record { origin, data, .. } = &piece.content else { return false };
    StoreEvent::parse(data, &origin.of_record()).is_ok()
}

#[cfg(test)]
mod tests {
    use storehook_domain::event::origin::RecordOrigin;

    use super::*;

    const ORIGIN: RecordOrigin<'_> =
        RecordOrigin { shard_id: "s", sequence_number: "42", arrived_at: jiff::Timestamp::UNIX_EPOCH };

    /// The MD5 of the aggregated message below, by Python's `hashlib`.
    const MD5: [u8; 16] =
        [0xe7, 0x6c, 0x17, 0x99, 0x63, 0x40, 0xba, 0x0d, 0x96, 0x35, 0x91, 0x70, 0x24, 0x43, 0x6f, 0x63];

    fn kinds(body: &str) -> Vec<(String, &'static str)> {
        match Message::parse("m-1", body) {
            Message::Pieces(pieces) => {
                pieces.into_iter().map(|piece| (piece.id, piece.content.kind())).collect()
            }
            Message::Part { rejected, .. } => vec![(format!("{}/{}", rejected.part, rejected.parts), "part")],
        }
    }

    #[test]
    fn every_message_of_the_queue_is_told_apart() {
        let replay = r#"{"replay":{"replay":{"id":"r1","webhook_id":7,"shop":"a.example","app":"demo","from":"1970-01-01T00:00:00Z",
            "to":"2026-11-21T15:00:00Z","state":"dead","per_second":50,"began_at":"2026-11-21T15:00:00Z"},"number":2}}"#;
        let recovery =
            r#"{"recovery":{"webhook_id":7,"shop":"a.example","app":"demo","opening":"o","number":1}}"#;
        let share =
            r#"{"fan_out":{"id":"e","record":{},"range":{"from":1,"to":2},"number":1,"reason":"no"}}"#;
        let place = r#"{"requestContext":{"condition":"c"},"KinesisBatchInfo":{"shardId":"s","startSequenceNumber":"1","endSequenceNumber":"2"}}"#;
        for (body, expected) in [
            (RejectedEvent::messages(b"not json", &ORIGIN, "why").remove(0), ("s:42", "record")),
            (RejectedEvent::messages(b"\xff", &ORIGIN, "why").remove(0), ("s:42", "record")),
            (RejectedEvent::messages(&[0xff; 1_000_000], &ORIGIN, "why").remove(1), ("2/2", "part")),
            (replay.to_owned(), ("m-1", "job")),
            (recovery.to_owned(), ("m-1", "job")),
            (share.to_owned(), ("m-1", "job")),
            (place.to_owned(), ("s:1-2", "place")),
            ("nonsense".to_owned(), ("m-1", "other")),
            ("{}".to_owned(), ("m-1", "other")),
        ] {
            assert_eq!(kinds(&body), [(expected.0.to_owned(), expected.1)], "{body}");
        }
    }

    #[test]
    fn of_an_aggregated_record_only_what_is_no_event_is_left() {
        // Two records, `{}` and an event, as the Kinesis Producer Library packs them.
        let event = br#"{"shop":"a.example","topic":"orders/paid","payload":{}}"#;
        let inner =
            |data: &[u8]| [&[0x1a, data.len() as u8 + 4, 0x08, 0, 0x1a, data.len() as u8], data].concat();
        let message = [&[0x0a, 1, b'k'][..], &inner(b"{}"), &inner(event)].concat();
        let record = [&[0xf3, 0x89, 0x9a, 0xc2][..], &message, &MD5].concat();
        let rejected = RejectedEvent::messages(&record, &ORIGIN, "2 of its records are no events").remove(0);
        assert_eq!(kinds(&rejected), [("s:42:0".to_owned(), "record")]);
    }
}
