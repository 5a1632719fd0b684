//! The entries of a batch: what may be an event.
//!
//! A plain record is one entry. A record that the Kinesis Producer Library aggregated has one for
//! each record inside, and a last one for the whole. Lambda knows only the whole: if one of its
//! entries is not done, the whole comes again ([`super::progress`]).
//!
//! Each entry is read and rejected by itself. Two things concern the whole, and then it is rejected
//! whole: it cannot be taken apart, or more of its records are no events than are worth a message
//! each ([`REJECTED_EACH`]). Its events are sent in the second case.
//!
//! A publisher whose call was answered too late puts its records again, so a batch may have the same
//! record twice, with the same event id. The second is done with the first: sent as well, it would be
//! received at the same moment, and no record could tell the two deliveries apart yet.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry::Occupied},
};

use aws_lambda_events::kinesis::KinesisEventRecord;
use jiff::Timestamp;
use storehook_domain::event::{
    StoreEvent,
    aggregated::{InvalidAggregate, inner_records, inner_sequence_number},
    origin::RecordOrigin,
};

use crate::events::progress::Progress;

/// The most records of an aggregated one that are rejected each by itself. Each is a call of SQS.
const REJECTED_EACH: usize = 100;

/// What may be an event.
pub(crate) struct Entry<'a> {
    /// The index of its record in the batch.
    record: usize,
    /// The record that is rejected if this is no event.
    pub(crate) data: Cow<'a, [u8]>,
    sequence_number: Cow<'a, str>,
    shard_id: &'a str,
    arrived_at: Timestamp,
    kind: Kind,
}

/// How an entry is read.
enum Kind {
    /// By itself.
    Event,
    /// It stands for the entries before it, so many.
    Whole { entries: usize },
    /// It cannot be taken apart.
    Damaged(InvalidAggregate),
}

impl Entry<'_> {
    /// Where it stands on the stream.
    pub(crate) fn origin(&self) -> RecordOrigin<'_> {
        RecordOrigin {
            shard_id: self.shard_id,
            sequence_number: &self.sequence_number,
            arrived_at: self.arrived_at,
        }
    }
}

/// The entries of a batch, in their order.
pub(crate) fn entries_of(records: &[KinesisEventRecord]) -> Vec<Entry<'_>> {
    let mut entries = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        let whole = |kind| Entry { kind, ..entry_of(index, record) };
        match inner_records(&record.kinesis.data) {
            None => entries.push(whole(Kind::Event)),
            Some(Err(error)) => entries.push(whole(Kind::Damaged(error))),
            Some(Ok(inner)) => {
                let count = inner.len();
                entries.extend(inner.into_iter().enumerate().map(|(place, data)| Entry {
                    data: data.into(),
                    sequence_number: inner_sequence_number(&record.kinesis.sequence_number, place).into(),
                    ..whole(Kind::Event)
                }));
                entries.push(whole(Kind::Whole { entries: count }));
            }
        }
    }
    entries
}

/// The events among the entries, each with its entry's index, and the progress with those entries
/// rejected that are no events.
pub(crate) fn events_of<'a>(entries: &'a [Entry<'_>]) -> (Vec<(usize, StoreEvent<'a>)>, Progress) {
    let mut progress = Progress::of(entries.iter().map(|entry| entry.record).collect());
    let mut events = Vec::with_capacity(entries.len());
    let mut data_of = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        match &entry.kind {
            Kind::Event => match StoreEvent::parse(&entry.data, &entry.origin()) {
                Ok(event) => match data_of.entry(event.id.clone()) {
                    Occupied(first) if *first.get() == &entry.data => {}
                    first => {
                        first.insert_entry(&entry.data);
                        events.push((index, event));
                    }
                },
                Err(error) => progress.reject(index, error.to_string()),
            },
            Kind::Damaged(error) => progress.reject(index, error.to_string()),
            Kind::Whole { entries } => {
                let inner = index - entries..index;
                let count = progress.rejected().range(inner.clone()).count();
                if count > REJECTED_EACH
                    && let Some(first) = progress.take_back(inner)
                {
                    let reason =
                        format!("{count} of its {entries} records are no events, the first because {first}");
                    progress.reject(index, reason);
                }
            }
        }
    }
    (events, progress)
}

/// The entry of a whole record. Lambda names it `<shard id>:<sequence number>`.
fn entry_of(index: usize, record: &KinesisEventRecord) -> Entry<'_> {
    let id = record.event_id.as_deref().unwrap_or_default();
    let arrived_at = record.kinesis.approximate_arrival_timestamp.timestamp_millis();
    Entry {
        record: index,
        data: Cow::Borrowed(&record.kinesis.data),
        sequence_number: Cow::Borrowed(&record.kinesis.sequence_number),
        shard_id: id.split_once(':').map_or("", |(shard_id, _)| shard_id),
        arrived_at: Timestamp::from_millisecond(arrived_at).unwrap_or(Timestamp::UNIX_EPOCH),
        kind: Kind::Event,
    }
}
