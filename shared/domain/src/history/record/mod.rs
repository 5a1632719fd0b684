//! The record of a delivery: its state, its runs and attempts, and what the last attempt sent and got.
//!
//! Who takes part: the delivery function loads the record before an attempt, asks it whether the
//! message may be attempted ([`DeliveryRecord::admission`]), and writes it once after the attempt
//! ([`DeliveryRecord::attempted`]) or where the message ends without one ([`DeliveryRecord::ended`]).
//! Nobody else writes runs: whoever sends a delivery again only sends a message.
//!
//! What is promised: per run, one message makes the attempts (`history/run.rs`). A later run takes the
//! place of an earlier one with its first attempt: from then on the earlier run's messages end. What
//! was delivered is not attempted again, but by a run that repeats deliveries. A held
//! delivery is adopted by whichever message comes next. A dead run gets one last attempt where somebody
//! moves its dead letter back by hand.
//!
//! What can go wrong: two attempts that overlap are both recorded, and the first one recorded holds the
//! run; a lost write may cost a repeat.

pub mod admission;
mod changes;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{envelope::Envelope, message::DeliveryMessage},
    history::{
        attempt::{AttemptRecord, RequestRecord, ResponseRecord},
        run::Run,
        state::DeliveryState,
    },
};

/// How many attempts are kept, the latest ones: two whole runs.
pub const ATTEMPTS_KEPT: usize = 40;

/// How many runs are kept, the latest ones. A stray message of a run before them would begin it anew.
pub const RUNS_KEPT: usize = 20;

/// The most of an endpoint's details that is kept, in characters.
pub const DETAILS_LIMIT: usize = 1_024;

/// How overdue an attempt is when SQS's own count must have moved its message to the dead letters: the
/// longest gap of the schedule.
const OVERDUE: SignedDuration = SignedDuration::from_hours(4);

/// What is kept of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// What the delivery is.
    pub envelope: Envelope,
    /// When the delivery was first queued, in whole microseconds: its position in lists, for good.
    pub created_at: Timestamp,
    /// Its state, as it was last written; see [`Self::as_of`].
    pub state: DeliveryState,
    /// Its runs that were attempted, at most [`RUNS_KEPT`]: the event's own first, then by first attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// Whether a message with another payload came under the delivery's id. It was not attempted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_other_payload: bool,
    /// How many attempts there were in all.
    pub attempt_count: u64,
    /// The latest of them, at most [`ATTEMPTS_KEPT`].
    pub attempts: Vec<AttemptRecord>,
    /// When the next attempt is due, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// What the last attempt sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestRecord>,
    /// The response to the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseRecord>,
    /// What an integration endpoint said at the last attempt besides, as JSON, up to [`DETAILS_LIMIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// How long the attempt took that delivered it, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Counts the changes, so that two at once cannot both win.
    pub version: u64,
    /// When it is forgotten, in seconds since the Unix epoch.
    pub expires_at: i64,
}

impl DeliveryRecord {
    /// The record of a delivery that is queued, and is kept for so long.
    pub fn begin(message: &DeliveryMessage<'_>, kept_for: SignedDuration) -> Self {
        let microsecond = TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc);
        let created_at = message.enqueued_at.round(microsecond).unwrap_or(message.enqueued_at);
        Self {
            envelope: message.envelope.clone(),
            created_at,
            state: DeliveryState::Pending,
            runs: Vec::new(),
            has_other_payload: false,
            attempt_count: 0,
            attempts: Vec::new(),
            next_attempt_at: Some(message.enqueued_at),
            request: None,
            response: None,
            details: None,
            latency_ms: None,
            version: 0,
            expires_at: created_at.as_second() + kept_for.as_secs(),
        }
    }

    /// The record as it is to be shown now: an overdue delivery is dead.
    pub fn as_of(self, now: Timestamp) -> Self {
        if self.is_overdue(now) {
            Self { state: DeliveryState::Dead, next_attempt_at: None, ..self }
        } else {
            self
        }
    }

    /// Whether a further attempt has long been due. SQS moves a message to the dead letters by its own count
    /// where its receives were lost. Nobody records that, but the attempt never comes.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let is_late = self.next_attempt_at.is_some_and(|due| now.duration_since(due) >= OVERDUE);
        let waits = matches!(self.state, DeliveryState::Pending | DeliveryState::Retrying);
        waits && is_late && self.attempt_count > 0
    }

    /// The record that begins where this one has expired and was not deleted yet.
    pub fn or_begin(self, message: &DeliveryMessage<'_>, kept_for: SignedDuration, now: Timestamp) -> Self {
        if self.is_kept(now) {
            return self;
        }
        // The item is written over, so its version counts on.
        Self { version: self.version, ..Self::begin(message, kept_for) }
    }

    /// Whether it is still kept. DynamoDB deletes expired items within a few days ("Time to Live").
    pub fn is_kept(&self, now: Timestamp) -> bool {
        self.expires_at > now.as_second()
    }

    /// Keeps the record for as long again as at first, if this message begins a run.
    pub fn renew(&mut self, message: &DeliveryMessage<'_>, kept_for: SignedDuration) {
        if !message.run.is_events_own() && self.runs.iter().all(|run| run.id != message.run) {
            self.expires_at = self.expires_at.max(message.enqueued_at.as_second() + kept_for.as_secs());
        }
    }
}

#[cfg(test)]
mod tests;
