//! The record of a delivery: its state, its runs and attempts, and what the last attempt sent and
//! got.
//!
//! Who takes part: the delivery function loads the record before an attempt and asks it whether the
//! message may be attempted ([`DeliveryRecord::admission`]). It writes the record once, after the
//! attempt ([`DeliveryRecord::attempted`]) or when the message ends without one
//! ([`DeliveryRecord::ended`]). Nobody else writes runs: a redelivery, a replay and a redrive only
//! send a message.
//!
//! Promises: one message makes the attempts of a run (`history/run.rs`). The first attempt of a
//! later run ends the earlier run: messages of the earlier run then end without an attempt. A
//! delivered delivery is attempted again only by a run that repeats deliveries. The next message of
//! a held delivery becomes the holder of its run, unless a later run has begun. A dead run gets one
//! last attempt when somebody moves its dead letter back by hand.
//!
//! What can go wrong: if two attempts overlap, both are recorded, and the message whose attempt is
//! recorded first is the holder. A lost write may cost a repeat.

pub mod admission;
mod changes;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{envelope::Envelope, message::DeliveryMessage},
    history::{
        attempt::{AttemptRecord, RequestRecord, ResponseRecord},
        held_for::HeldFor,
        run::Run,
        state::DeliveryState,
    },
    installation::{app::AppId, shop::ShopDomain},
};

/// How many attempts are kept: the latest ones, enough for two whole runs.
pub const ATTEMPTS_KEPT: usize = 40;

/// How many runs are kept: the latest ones. A late message of a forgotten run begins that run
/// again.
pub const RUNS_KEPT: usize = 20;

/// How much of an integration's `details` is kept, in characters.
pub const DETAILS_LIMIT: usize = 1_024;

/// After this time an attempt that is due will not come any more: SQS has moved its message to the
/// dead letters by its own count. It is the longest gap of the schedule.
const OVERDUE: SignedDuration = SignedDuration::from_hours(4);

/// What is kept of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// What the delivery is about.
    pub envelope: Envelope,
    /// When the delivery was first queued, in whole microseconds: its position in lists, for good.
    pub created_at: Timestamp,
    /// The state that was last written; see [`Self::as_of`].
    pub state: DeliveryState,
    /// The runs that were attempted, at most [`RUNS_KEPT`]: first the event's own, then the others
    /// by their first attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// Why it is held, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_for: Option<HeldFor>,
    /// When it was held for the first time. Its payload is then kept with it, and to hold it again
    /// keeps neither for longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_at: Option<Timestamp>,
    /// Whether a message with another payload came under the delivery's id. It was not attempted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_other_payload: bool,
    /// How many attempts there were in all.
    pub attempt_count: u64,
    /// The latest attempts, at most [`ATTEMPTS_KEPT`].
    pub attempts: Vec<AttemptRecord>,
    /// When the next attempt is due, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// The request of the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestRecord>,
    /// The response to the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseRecord>,
    /// The `details` of the last verdict of an integration endpoint, as JSON, up to
    /// [`DETAILS_LIMIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// The latency of the attempt that delivered it, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// The number of changes. Of two changes at the same moment, only one can be written.
    pub version: u64,
    /// When the record expires, in seconds since the Unix epoch.
    pub expires_at: i64,
}

impl DeliveryRecord {
    /// The record of a delivery that was queued and not attempted yet. It is kept for `kept_for`.
    pub fn begin(message: &DeliveryMessage<'_>, kept_for: SignedDuration) -> Self {
        let microsecond = TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc);
        let created_at = message.enqueued_at.round(microsecond).unwrap_or(message.enqueued_at);
        Self {
            envelope: message.envelope.clone(),
            created_at,
            state: DeliveryState::Pending,
            runs: Vec::new(),
            held_for: None,
            held_at: None,
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

    /// The record as the API shows it now: an overdue delivery is dead.
    pub fn as_of(self, now: Timestamp) -> Self {
        if self.is_overdue(now) {
            Self { state: DeliveryState::Dead, next_attempt_at: None, ..self }
        } else {
            self
        }
    }

    /// Whether the next attempt has been due for a long time. If receives of a message are lost,
    /// SQS moves it to the dead letters by its own count. Nobody records that, and the attempt
    /// never comes.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let is_late = self.next_attempt_at.is_some_and(|due| now.duration_since(due) >= OVERDUE);
        self.state.can_be_overdue() && is_late && self.attempt_count > 0
    }

    /// This record; or a new one, if this one has expired and was not deleted yet.
    pub fn or_begin(self, message: &DeliveryMessage<'_>, kept_for: SignedDuration, now: Timestamp) -> Self {
        if self.is_kept(now) {
            return self;
        }
        // The new record replaces the item, so its version counts on.
        Self { version: self.version, ..Self::begin(message, kept_for) }
    }

    /// The record as an app on a shop may see it now; `None` if it is another's, or has expired.
    pub fn seen_by(self, shop: &ShopDomain, app: &AppId, now: Timestamp) -> Option<Self> {
        let is_own = self.envelope.shop == *shop && self.envelope.app == *app;
        (is_own && self.is_kept(now)).then(|| self.as_of(now))
    }

    /// Whether the record is still kept. DynamoDB deletes expired items within a few days ("Time to
    /// Live").
    pub fn is_kept(&self, now: Timestamp) -> bool {
        self.expires_at > now.as_second()
    }

    /// Keeps the record for another `kept_for` if this message begins a run that somebody asked for.
    pub fn renew(&mut self, message: &DeliveryMessage<'_>, kept_for: SignedDuration) {
        if message.run.is_asked_for() && self.runs.iter().all(|run| run.id != message.run) {
            self.expires_at = self.expires_at.max(message.enqueued_at.as_second() + kept_for.as_secs());
        }
    }
}

#[cfg(test)]
pub(in crate::history) mod tests;
