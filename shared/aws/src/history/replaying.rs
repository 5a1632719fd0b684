//! What begins, counts and stops replays, for the API and for the operator's program.
//!
//! A replay begins with two writes: its record, then the message of its first step. If the second
//! one is lost, no step is ever noted, and whoever begins the replay with the same id again queues
//! the first step again. A step that is queued twice is harmless.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use storehook_domain::{
    history::query::DeliveryPosition,
    job::{
        message::Job,
        replay::{record::ReplayRecord, request::ReplayRequest},
    },
    webhook::{WebhookId, WebhookKey},
};

use super::{
    scan::{Direction, Scan},
    store::HistoryTable,
};
use crate::{
    clock,
    jobs::JobQueue,
    queue::QueueError,
    table::{self, Contended, TableError},
};

/// How many records are read in one call.
const RECORDS_AT_ONCE: usize = 100;

/// How many deliveries a replay would send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayCount {
    /// How many were found.
    pub found: u64,
    /// Whether the count came to the end of the window.
    pub is_complete: bool,
}

/// How long a count may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountTime {
    /// The time after which no further read begins; it reads once at least.
    pub all: SignedDuration,
    /// The longest time of one read.
    pub read: Duration,
}

/// Why deliveries were not counted.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// A call failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A read took longer than its time.
    #[error("a read took too long")]
    TimedOut,
}

impl HistoryTable {
    /// Writes the record of a new replay. Returns the one that is there if somebody with its id came
    /// first.
    ///
    /// # Errors
    ///
    /// A call failed, or others wrote first at each try.
    pub async fn add_replay<E>(&self, record: &ReplayRecord, now: Timestamp) -> Result<ReplayRecord, E>
    where
        E: From<TableError> + From<Contended>,
    {
        table::change(|| async move {
            if self.put_new_replay(record, now).await? {
                return Ok(Some(record.clone()));
            }
            Ok(self.load_replay(record.replay.webhook_id, &record.replay.id, now).await?)
        })
        .await
    }

    /// Stops a replay, unless it has ended. `None` if there is none.
    ///
    /// # Errors
    ///
    /// As for [`Self::add_replay`].
    pub async fn stop_replay<E>(
        &self,
        webhook_id: WebhookId,
        replay_id: &str,
    ) -> Result<Option<ReplayRecord>, E>
    where
        E: From<TableError> + From<Contended>,
    {
        table::change(|| async move {
            let now = clock::now();
            let Some(record) = self.load_replay(webhook_id, replay_id, now).await? else {
                return Ok(Some(None));
            };
            let Some(stopped) = record.clone().stopped(now) else { return Ok(Some(Some(record))) };
            Ok(self.put_replay(&stopped).await?.then_some(Some(stopped)))
        })
        .await
    }

    /// Counts the deliveries that a replay of this webhook would send.
    ///
    /// The index does not show that overdue deliveries are dead. So the records of deliveries that
    /// it shows as waiting for an attempt are read.
    ///
    /// # Errors
    ///
    /// A call failed, or took too long.
    pub async fn count_for_replay(
        &self,
        webhook: &WebhookKey,
        request: &ReplayRequest,
        time: CountTime,
    ) -> Result<ReplayCount, CountError> {
        let began = clock::now();
        let is_late = || clock::now().duration_since(began) >= time.all;
        let scan = Scan {
            webhook_id: webhook.id,
            since: Some(request.from),
            until: Some(request.to),
            direction: Direction::OldestFirst,
            states: request.state.indexed_states().collect(),
            page: None,
        };
        let (mut found, mut next): (u64, Option<DeliveryPosition>) = (0, None);
        loop {
            let step = in_time(time, self.load_step(&scan, next.as_ref(), began)).await?;
            let (included, unsure): (Vec<_>, Vec<_>) =
                step.found.into_iter().partition(|delivery| request.state.includes(delivery.state));
            found += included.len() as u64;
            for chunk in unsure.chunks(RECORDS_AT_ONCE) {
                if is_late() {
                    return Ok(ReplayCount { found, is_complete: false });
                }
                let ids: Vec<_> = chunk.iter().map(|delivery| delivery.id.clone()).collect();
                let records = in_time(time, self.load_all(&ids)).await?.into_iter();
                let seen = records.filter_map(|record| record.seen_by(&webhook.shop, &webhook.app, began));
                found += seen.filter(|record| request.state.includes(record.state)).count() as u64;
            }
            next = step.next;
            if next.is_none() || is_late() {
                return Ok(ReplayCount { found, is_complete: next.is_none() });
            }
        }
    }
}

/// What a read for a count returns, if it ends within its time.
async fn in_time<T>(
    time: CountTime,
    read: impl Future<Output = Result<T, TableError>>,
) -> Result<T, CountError> {
    Ok(tokio::time::timeout(time.read, read).await.map_err(|_| CountError::TimedOut)??)
}

impl JobQueue {
    /// Queues the first step of a replay, unless a step of it is made.
    ///
    /// # Errors
    ///
    /// The call failed. The message may be in the queue or not.
    pub async fn begin_replay(&self, record: &ReplayRecord) -> Result<(), QueueError> {
        match record.next_step() {
            Some((first, pause)) if record.steps == 0 => {
                self.send(&Job::Replay(first), &record.replay.group(), pause).await
            }
            _ => Ok(()),
        }
    }
}
