//! What is to be published again, whatever it came in.
//!
//! A message or an object holds one piece or many: a record, a step of a job, or the place of
//! records on the stream. A record is named by its place on the stream. So two messages of the same
//! record, from two tries of its fan-out, are one piece.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use storehook_domain::event::{
    aggregated::{inner_records, inner_sequence_number},
    origin::RecordOrigin,
};

/// Where a record stands on the stream, or stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its shard.
    pub shard_id: String,
    /// Its sequence number.
    pub sequence_number: String,
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// Its partition key, if it is known.
    pub partition_key: Option<String>,
}

/// Records on a shard, from one sequence number to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The shard.
    pub shard_id: String,
    /// The first record.
    pub start_sequence_number: String,
    /// The last record.
    pub end_sequence_number: String,
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A record of the stream.
    Record {
        /// Where it stands.
        origin: Origin,
        /// Its bytes.
        data: Vec<u8>,
        /// Whether the fan-out has rejected it. Otherwise the fan-out has never read it.
        is_rejected: bool,
    },
    /// A step of a job, as its message has it.
    Job(String),
    /// Records that Lambda gave up, of which there is only their place.
    Place(Place),
    /// A part of a record whose other parts are missing.
    Part(String),
    /// Something else.
    Other(String),
}

/// One thing to publish again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What names it: its place on the stream, or the id of its message.
    pub id: String,
    /// Why it is here, if that was noted.
    pub reason: Option<String>,
    /// What it is.
    pub content: Content,
}

impl Origin {
    /// What names the record.
    pub fn id(&self) -> String {
        format!("{}:{}", self.shard_id, self.sequence_number)
    }

    /// The same for the reader of records.
    pub fn of_record(&self) -> RecordOrigin<'_> {
        RecordOrigin {
            shard_id: &self.shard_id,
            sequence_number: &self.sequence_number,
            arrived_at: self.arrived_at,
        }
    }
}

impl Place {
    /// What names it.
    pub fn id(&self) -> String {
        let Self { shard_id, start_sequence_number, end_sequence_number } = self;
        format!("{shard_id}:{start_sequence_number}-{end_sequence_number}")
    }
}

impl Content {
    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Record { .. } => "record",
            Self::Job(_) => "job",
            Self::Place(_) => "place",
            Self::Part(_) => "part",
            Self::Other(_) => "other",
        }
    }
}

impl Piece {
    /// The pieces of a record: itself, or those inside if it is aggregated and can be taken apart.
    pub fn of_record(origin: Origin, data: Vec<u8>, is_rejected: bool, reason: Option<&str>) -> Vec<Self> {
        let reason = reason.map(str::to_owned);
        let piece = |origin: Origin, data| Self {
            id: origin.id(),
            reason: reason.clone(),
            content: Content::Record { origin, data, is_rejected },
        };
        let Some(Ok(inner)) = inner_records(&data) else { return vec![piece(origin, data)] };
        let inner = inner.into_iter().enumerate().map(|(index, data)| {
            let sequence_number = inner_sequence_number(&origin.sequence_number, index);
            piece(Origin { sequence_number, ..origin.clone() }, data)
        });
        inner.collect()
    }
}
