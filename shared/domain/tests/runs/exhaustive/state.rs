//! A state of the model: the queues, the record, the receives under way, and the books on each run.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use jiff::Timestamp;
use storehook_domain::{
    delivery::run::RunId,
    history::{
        decision::Known,
        record::{DeliveryRecord, admission::Admission},
    },
};

use super::case::Case;
use crate::{
    kinds::Fault,
    messages::{Queued, at, message},
};

/// How long the function may work on a batch, in milliseconds.
const FUNCTION_TIMEOUT: i64 = 60_000;

/// The record of the delivery, without what no decision reads.
#[derive(Debug, Clone)]
pub(crate) struct Recorded(Arc<(DeliveryRecord, String)>);

impl Recorded {
    /// Attempts are only shown, so two records that differ in them are the same.
    pub(crate) fn of(record: DeliveryRecord) -> Self {
        let attempt_count = record.attempt_count.min(1);
        let record =
            DeliveryRecord { attempts: Vec::new(), attempt_count, version: 1, latency_ms: None, ..record };
        let text = serde_json::to_string(&record).unwrap_or_default();
        Self(Arc::new((record, text)))
    }

    pub(crate) fn get(&self) -> &DeliveryRecord {
        &self.0.0
    }
}

impl Hash for Recorded {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.1.hash(hasher);
    }
}

/// What a receive knows of the delivery.
#[derive(Debug, Clone, Hash)]
pub(crate) enum Read {
    Lost,
    NoRecord,
    Record(Recorded),
}

impl Read {
    pub(crate) fn known(&self) -> Known {
        match self {
            Self::Lost => Known::Nothing,
            Self::NoRecord => Known::NoRecord,
            Self::Record(record) => Known::Record(Box::new(record.get().clone())),
        }
    }
}

/// A receive that is under way.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    pub(crate) slot: usize,
    pub(crate) read: Read,
    /// Follows from what was read, the message and the time.
    pub(crate) admission: Admission,
    pub(crate) received_at: i64,
    pub(crate) fault: Fault,
    /// Whether another receive was under way at the same time.
    pub(crate) overlaps: bool,
}

impl UnderWay {
    pub(crate) fn is_admitted(&self) -> bool {
        matches!(self.admission, Admission::Attempt | Admission::LastAttempt)
    }
}

/// How a run may stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Delivered,
    DeadLetter,
    Held,
    Cancelled,
}

/// The books on a run.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Book {
    pub(crate) run: RunId,
    /// How many POSTs were made.
    pub(crate) posts: u8,
    /// How many of its receives may each explain one POST more.
    pub(crate) excuses: u8,
    /// Whether it stopped in each of the ways of [`Stop`].
    pub(crate) stops: [bool; 4],
}

/// A state.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) now: i64,
    pub(crate) record: Option<Recorded>,
    pub(crate) messages: Vec<Option<Queued>>,
    pub(crate) under_way: Vec<UnderWay>,
    pub(crate) books: Vec<Book>,
    /// How many mishaps are left.
    pub(crate) mishaps: u8,
    /// Whether the webhook is deleted.
    pub(crate) is_deleted: bool,
    /// Whether a run was attempted although the record said that it was delivered.
    pub(crate) has_repeated: bool,
    /// How many steps came before. A state cannot come again, so a path that never ends would show as
    /// states without an end.
    pub(crate) steps: u16,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.now, self.mishaps, self.is_deleted, self.has_repeated, self.steps).hash(hasher);
        (&self.record, &self.books).hash(hasher);
        for message in &self.messages {
            let Some(Queued { id, body, lane, sent_at, visible_at, count }) = message else {
                hasher.write_u8(0);
                continue;
            };
            let copy = body.delay.as_ref().map(|delay| (&delay.first_message_id, delay.number));
            (id, lane.as_str(), sent_at, visible_at, count).hash(hasher);
            (&body.run, body.lane.as_str(), body.enqueued_at, copy).hash(hasher);
        }
        for UnderWay { slot, read, received_at, fault, overlaps, admission: _ } in &self.under_way {
            (slot, read, received_at, format!("{fault:?}"), overlaps).hash(hasher);
        }
    }
}

/// The checker knows states by their hashes, and so does this.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        let hash = |state: &Self| {
            let mut hasher = DefaultHasher::new();
            state.hash(&mut hasher);
            hasher.finish()
        };
        hash(self) == hash(other)
    }
}

impl State {
    pub(crate) fn begin(case: &Case) -> Self {
        let sent_at = 0;
        let now = i64::try_from(case.age).unwrap_or_default() * 1_000;
        let queued = |(number, run): (usize, &RunId)| {
            let mut body = message(run.clone());
            body.enqueued_at = at(sent_at);
            let lane = body.lane;
            Some(Queued { id: format!("m{number}"), body, lane, sent_at, visible_at: sent_at, count: 0 })
        };
        let mut books: Vec<Book> = Vec::new();
        for run in &case.messages {
            if books.iter().all(|book| book.run != *run) {
                books.push(Book { run: run.clone(), posts: 0, excuses: 0, stops: [false; 4] });
            }
        }
        Self {
            now,
            record: None,
            messages: case.messages.iter().enumerate().map(queued).collect(),
            under_way: Vec::new(),
            books,
            mishaps: case.mishaps,
            is_deleted: false,
            has_repeated: false,
            steps: 0,
        }
    }

    /// A time at which every attempt that will never come is overdue.
    pub(crate) fn later(&self) -> Timestamp {
        at(self.now + 24 * 60 * 60 * 1_000)
    }

    /// Whether nothing is queued and nothing is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.under_way.is_empty() && self.messages.iter().all(Option::is_none)
    }

    /// Whether a message that is visible from this time on can come before the receives that are under
    /// way must have ended.
    pub(crate) fn may_come(&self, visible_at: i64) -> bool {
        self.under_way.iter().all(|receive| visible_at <= receive.received_at + FUNCTION_TIMEOUT)
    }

    /// Whether SQS moves a message instead of handing it over.
    pub(crate) fn is_moved_next(&self, case: &Case, message: &Queued) -> bool {
        message.count as usize >= case.receives(message.lane)
    }

    pub(crate) fn book(&mut self, run: &RunId) -> Option<&mut Book> {
        self.books.iter_mut().find(|book| book.run == *run)
    }

    /// Whether a run has stopped in this way.
    pub(crate) fn has(&self, stop: Stop) -> bool {
        self.books.iter().any(|book| book.stops[stop as usize])
    }

    /// Whether nobody can tell how a run has ended.
    pub(crate) fn is_lost(&self, run: usize) -> bool {
        let book = &self.books[run];
        let is_delivered = self.has(Stop::Delivered) && !book.run.repeats_delivered();
        if is_delivered || book.stops.contains(&true) {
            return false;
        }
        // A run that was attempted later takes its place. The event's own is the earliest.
        let mut runs = self.record.iter().flat_map(|record| &record.get().runs).map(|known| &known.id);
        let later = runs.clone().skip_while(|known| **known != book.run).skip(1).count();
        later == 0 && !(book.run.is_events_own() && runs.any(|known| *known != book.run))
    }
}
