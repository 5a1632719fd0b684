//! The stream: it keeps the records of stores, apps and functions until the mapping takes them.
//!
//! It has one shard. Partition keys divide it among the batches that Lambda works on at the same
//! time (`ParallelizationFactor`).

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{clock, refusal::Refusal};

/// A record of the stream.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) sequence_number: u64,
    pub(crate) partition_key: String,
    pub(crate) data: Vec<u8>,
    pub(crate) arrived_at: Timestamp,
}

/// The stream. Clones are the same stream.
#[derive(Clone)]
pub(crate) struct Stream(Arc<Shard>);

struct Shard {
    /// The records that wait, in one part for each batch that is worked on at the same time.
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

struct Waiting {
    put: u64,
    parts: Vec<VecDeque<Record>>,
    /// The last records that are done, of each part.
    done: Vec<VecDeque<Record>>,
}

/// How many records that are done may be read once more.
const REREAD_KEPT: usize = 100;

impl Stream {
    /// A stream of which so many batches are worked on at the same time.
    pub(crate) fn new(parallelization: usize) -> Self {
        let parts = vec![VecDeque::new(); parallelization.max(1)];
        let waiting = Waiting { put: 0, done: parts.clone(), parts };
        Self(Arc::new(Shard { waiting: Mutex::new(waiting), arrived: Notify::new() }))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record.
    pub(crate) fn put(&self, partition_key: &str, data: Vec<u8>) -> u64 {
        let mut waiting = self.waiting();
        waiting.put += 1;
        let sequence_number = waiting.put;
        let mut hasher = DefaultHasher::new();
        partition_key.hash(&mut hasher);
        let part = hasher.finish() as usize % waiting.parts.len();
        let partition_key = partition_key.to_owned();
        let record = Record { sequence_number, partition_key, data, arrived_at: clock::now() };
        waiting.parts[part].push_back(record);
        drop(waiting);
        self.0.arrived.notify_waiters();
        sequence_number
    }

    /// The first records of a part, waiting for one if there is none. They stay until [`done`](Self::done).
    pub(crate) async fn first(&self, part: usize, count: usize) -> Vec<Record> {
        loop {
            let arrived = self.0.arrived.notified();
            {
                let waiting = self.waiting();
                if !waiting.parts[part].is_empty() {
                    return waiting.parts[part].iter().take(count).cloned().collect();
                }
            }
            arrived.await;
        }
    }

    /// Takes the first records of a part away.
    pub(crate) fn done(&self, part: usize, count: usize) {
        let mut waiting = self.waiting();
        let Waiting { parts, done, .. } = &mut *waiting;
        done[part].extend(parts[part].drain(..count));
        let excess = done[part].len().saturating_sub(REREAD_KEPT);
        done[part].drain(..excess);
    }

    /// Reads records of a part once more: the last ones that are done, at most [`REREAD_KEPT`].
    pub(crate) fn reread(&self, part: usize, count: usize) -> Vec<Record> {
        let mut waiting = self.waiting();
        let Waiting { parts, done, .. } = &mut *waiting;
        let first = done[part].len().saturating_sub(count);
        let again: Vec<_> = done[part].drain(first..).collect();
        again.iter().rev().for_each(|record| parts[part].push_front(record.clone()));
        again
    }

    /// The number of batches that are taken at the same time.
    pub(crate) fn parts(&self) -> usize {
        self.waiting().parts.len()
    }

    /// How many records wait.
    pub(crate) fn depth(&self) -> usize {
        self.waiting().parts.iter().map(VecDeque::len).sum()
    }

    /// The records that wait.
    pub(crate) fn rest(&self) -> Vec<Record> {
        self.waiting().parts.iter().flatten().cloned().collect()
    }

    /// Responds as Kinesis.
    pub(crate) fn respond(&self, operation: &str, call: &Value) -> Result<Value, Refusal> {
        let put = |record: &Value| {
            let data = STANDARD.decode(record["Data"].as_str().unwrap_or_default()).unwrap_or_default();
            let number = self.put(record["PartitionKey"].as_str().unwrap_or_default(), data);
            json!({"ShardId": "shardId-000000000000", "SequenceNumber": number.to_string()})
        };
        match operation {
            "PutRecord" => Ok(put(call)),
            "PutRecords" => {
                let records: Vec<_> = call["Records"].as_array().into_iter().flatten().map(put).collect();
                Ok(json!({"FailedRecordCount": 0, "Records": records}))
            }
            _ => Err(Refusal::invalid(format!("the stream does not know {operation}"))),
        }
    }
}
