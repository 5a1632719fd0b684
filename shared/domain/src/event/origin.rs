//! Where on the stream a record stands.

use jiff::Timestamp;

/// Where on the stream a record stands, and when it came: the defaults of its event.
#[derive(Debug, Clone, Copy)]
pub struct RecordOrigin<'a> {
    /// The shard's id, `shardId-000000000000`.
    pub shard_id: &'a str,
    /// The record's sequence number.
    pub sequence_number: &'a str,
    /// When the stream took the record in.
    pub arrived_at: Timestamp,
}
