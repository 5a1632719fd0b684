//! How a delivery that is sent again gets its new series.
//!
//! A series is written first and sent afterwards, so that it is known by the time that its message comes.
//! In between anything may end: then it waits, and its message may or may not have been sent. Whoever wants
//! it sent again sends that same series once more, which is harmless, because only one message of a series is
//! attempted.

use jiff::{SignedDuration, Timestamp};

use crate::{
    delivery::message::DeliveryMessage,
    history::{record::DeliveryRecord, state::DeliveryState},
    payload::Payload,
};

/// How long a series waits for its message before another replay takes it for unsent: longer than a queue should
/// be behind.
pub const UNSENT_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// A series that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The delivery, with that series as its latest.
    pub history: DeliveryRecord,
    /// Whether it must be written before the message is sent. If not, it has been, and only its message
    /// may be missing.
    pub is_new: bool,
}

impl DeliveryRecord {
    /// The series that a replay sends, or the owner's wish to have this one delivered again (no replay).
    /// `None` where that replay's series has been attempted already.
    pub fn reserve(
        &self,
        replay: Option<&str>,
        kept_for: SignedDuration,
        now: Timestamp,
    ) -> Option<Reservation> {
        let is_same = replay.is_some() && self.replay.as_deref() == replay;
        let is_unsent = self.is_unsent();
        let is_ours = is_same || replay.is_none();
        match (is_unsent, self.state) {
            _ if is_same && !is_unsent => None,
            (true, DeliveryState::Pending) if is_ours => {
                Some(Reservation { history: self.clone(), is_new: false })
            }
            // It was held or cancelled before it was attempted, or another replay has left it behind. Written
            // anew, it is taken over once.
            (true, _) if is_same || self.is_stranded(now) => Some(Reservation {
                history: self.with_series(self.series, replay, kept_for, now),
                is_new: true,
            }),
            _ => {
                let next = self.series.saturating_add(1);
                Some(Reservation { history: self.with_series(next, replay, kept_for, now), is_new: true })
            }
        }
    }

    /// Whether its latest series waits for a first attempt that should have come: its message was likely never
    /// sent.
    pub fn is_stranded(&self, now: Timestamp) -> bool {
        let is_late = self.next_attempt_at.is_some_and(|due| now.duration_since(due) >= UNSENT_AFTER);
        self.state == DeliveryState::Pending && self.is_unsent() && is_late
    }

    /// Whether its latest series is a replay's that has not been attempted.
    fn is_unsent(&self) -> bool {
        self.series > 0 && self.begun.is_none_or(|begun| begun.series < self.series)
    }

    fn with_series(
        &self,
        series: u32,
        replay: Option<&str>,
        kept_for: SignedDuration,
        now: Timestamp,
    ) -> Self {
        Self {
            state: DeliveryState::Pending,
            series,
            replay: replay.map(str::to_owned),
            next_attempt_at: Some(now),
            version: self.version + 1,
            expires_at: self.expires_at.max(now.as_second() + kept_for.as_secs()),
            ..self.clone()
        }
    }

    /// The message of the latest series, queued now.
    pub fn message<'a>(&self, payload: Payload<'a>, now: Timestamp) -> DeliveryMessage<'a> {
        DeliveryMessage {
            envelope: self.envelope.clone(),
            enqueued_at: now,
            series: self.series,
            payload: payload.as_raw(),
        }
    }
}
