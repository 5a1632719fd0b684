//! The origin of a record: where and when the stream took it in.

use jiff::Timestamp;

/// Where a record stands on the stream, and when it arrived. An event that leaves out its id or its
/// time gets them from here.
#[derive(Debug, Clone, Copy)]
pub struct RecordOrigin<'a> {
    /// The shard's id, `shardId-000000000000`.
    pub shard_id: &'a str,
    /// The record's sequence number.
    pub sequence_number: &'a str,
    /// When the record arrived on the stream.
    pub arrived_at: Timestamp,
}
