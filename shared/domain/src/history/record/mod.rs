//! What is kept of a delivery: its state, its attempts, and what the last of them sent and got.
//!
//! A delivery goes through one or more *series* of attempts. Series 0 is the event's own; each
//! replay begins another, by a message of its own. Because SQS may hand a message over
//! twice, and a shard may be read twice, and a replay may be sent twice, more than one
//! message may be of the same series. The first one that is attempted begins the series; the others
//! end without an attempt ([`DeliveryRecord::admission`]). So what has been delivered is not delivered
//! again but by a series that begins after it. Only two messages that are attempted at the very same
//! time both are, once.
//!
//! A series that an older one still waits beside takes its place with its own first attempt
//! and not before: until then it may be that its message was never sent. See `replay_series.rs` for how
//! a series comes about.

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{disposition::Disposition, envelope::Envelope, message::DeliveryMessage},
    history::{
        attempt::{Attempt, AttemptRecord, RequestRecord, ResponseRecord},
        state::DeliveryState,
    },
};

/// How many attempts are kept, the latest ones: two whole series.
pub const ATTEMPTS_KEPT: usize = 40;

/// The most of an endpoint's details that is kept, in characters.
pub const DETAILS_LIMIT: usize = 1_024;

/// What is kept of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// What the delivery is.
    pub envelope: Envelope,
    /// When the delivery was first queued, in whole microseconds: its place in lists, for good.
    pub created_at: Timestamp,
    /// What has become of it.
    pub state: DeliveryState,
    /// The latest series of attempts, begun or not.
    pub series: u32,
    /// The latest series that has been attempted, and by which message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<BegunSeries>,
    /// The latest series that the endpoint took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_series: Option<u32>,
    /// The replay that the latest series is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
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

/// A series that has been attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BegunSeries {
    /// Which.
    pub series: u32,
    /// The message that makes its attempts, by when that was queued.
    pub by: Timestamp,
}

/// Whether a message that was received is to be attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Due,
    /// The endpoint has taken its series, or a later one.
    Delivered,
    /// Another message makes the attempts of its series, or a later series has begun.
    Superseded,
}

impl DeliveryRecord {
    /// A delivery that is queued, and is kept for so long.
    pub fn begin(delivery: &DeliveryMessage<'_>, kept_for: SignedDuration) -> Self {
        let microsecond = TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc);
        let created_at = delivery.enqueued_at.round(microsecond).unwrap_or(delivery.enqueued_at);
        Self {
            envelope: delivery.envelope.clone(),
            created_at,
            state: DeliveryState::Pending,
            series: delivery.series,
            begun: None,
            delivered_series: None,
            replay: None,
            attempt_count: 0,
            attempts: Vec::new(),
            next_attempt_at: Some(delivery.enqueued_at),
            request: None,
            response: None,
            details: None,
            latency_ms: None,
            version: 0,
            expires_at: created_at.as_second() + kept_for.as_secs(),
        }
    }

    /// Whether a message of this delivery is to be attempted.
    pub fn admission(&self, message: &DeliveryMessage<'_>) -> Admission {
        if self.delivered_series.is_some_and(|delivered| delivered >= message.series) {
            return Admission::Delivered;
        }
        let is_anothers = self.begun.is_some_and(|begun| {
            begun.series > message.series || begun.series == message.series && begun.by != message.enqueued_at
        });
        if is_anothers { Admission::Superseded } else { Admission::Due }
    }

    /// The delivery after an attempt of this message. Once a later series has begun, the state is that one's.
    /// While it only waits, an older one that is delivered or dies says so: the later one's message may never
    /// have been sent.
    pub fn attempted(
        mut self,
        message: &DeliveryMessage<'_>,
        attempt: Attempt,
        disposition: Disposition,
        now: Timestamp,
    ) -> Self {
        let is_latest = self.enter_series(message);
        // Another message of the series, or of a later one, was faster.
        let is_done = self.delivered_series.is_some_and(|delivered| delivered >= message.series);
        let has_say = self.begun.is_none_or(|begun| begun.series <= message.series);
        if has_say {
            self.begun = Some(BegunSeries { series: message.series, by: message.enqueued_at });
            self.take_event_of(message);
        }
        let is_delivered = disposition == Disposition::Ack;
        if is_delivered {
            self.delivered_series = self.delivered_series.max(Some(message.series));
            self.latency_ms = Some(attempt.latency_ms());
        }
        let is_final = is_delivered || matches!(disposition, Disposition::Exhausted(_));
        if has_say && (is_latest || is_final) && (!is_done || is_delivered) {
            (self.state, self.next_attempt_at) = self.state.after_attempt(disposition, now);
        }
        self.push(message.series, attempt);
        self.version += 1;
        self
    }

    /// The delivery after a message of it has ended in this state without an attempt; `None` where that
    /// says nothing new, or the message has no say in it.
    pub fn ended(mut self, message: &DeliveryMessage<'_>, state: DeliveryState) -> Option<Self> {
        let is_news = self.version == 0 || self.state != state || self.series < message.series;
        if self.admission(message) != Admission::Due || !is_news {
            return None;
        }
        self.enter_series(message);
        self.take_event_of(message);
        if state == DeliveryState::Held {
            // The series goes on when it is replayed, by another message.
            self.begun = self.begun.filter(|begun| begun.series != message.series);
        }
        (self.state, self.next_attempt_at) = (state, None);
        self.version += 1;
        Some(self)
    }

    /// What begins where this one has expired and not been deleted yet.
    pub fn or_begin(self, message: &DeliveryMessage<'_>, kept_for: SignedDuration, now: Timestamp) -> Self {
        if self.is_kept(now) {
            return self;
        }
        // The item is written over, so its version counts on.
        Self { version: self.version, ..Self::begin(message, kept_for) }
    }

    /// Whether it is still kept. DynamoDB deletes what is not within a few days ("Time to Live").
    pub fn is_kept(&self, now: Timestamp) -> bool {
        self.expires_at > now.as_second()
    }

    /// Keeps the delivery for as long again as at first, if this message is of a later series than is known.
    pub fn renew(&mut self, message: &DeliveryMessage<'_>, kept_for: SignedDuration) {
        if message.series > self.series {
            self.expires_at = self.expires_at.max(message.enqueued_at.as_second() + kept_for.as_secs());
        }
    }

    /// Takes up the message's series if it is later than the latest known. Returns whether it is the latest.
    fn enter_series(&mut self, message: &DeliveryMessage<'_>) -> bool {
        if message.series > self.series {
            (self.series, self.replay) = (message.series, None);
            self.state = DeliveryState::Pending;
        }
        message.series == self.series
    }

    /// What a message is of is what its attempts send. Nothing keeps two senders from giving two events the
    /// same id.
    fn take_event_of(&mut self, message: &DeliveryMessage<'_>) {
        let kept = self.envelope.payload_digest.take();
        self.envelope = message.envelope.clone();
        self.envelope.payload_digest = message.envelope.payload_digest.clone().or(kept);
    }

    fn push(&mut self, series: u32, attempt: Attempt) {
        let before = self.attempts.iter().rev().find(|attempt| attempt.series == series);
        let number = before.map_or(1, |attempt| attempt.number + 1);
        self.attempts.push(AttemptRecord {
            series,
            number,
            at: attempt.at,
            status: attempt.status,
            error: attempt.failure().map(ToString::to_string),
            latency_ms: attempt.latency_ms(),
            address: attempt.address,
        });
        let excess = self.attempts.len().saturating_sub(ATTEMPTS_KEPT);
        self.attempts.drain(..excess);
        self.attempt_count += 1;
        self.request = attempt.request;
        self.response = attempt.response;
        self.details = attempt.details.map(|details| details.chars().take(DETAILS_LIMIT).collect());
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
