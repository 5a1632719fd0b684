//! The one decision of the delivery function, as a value: what to do with a received message.
//!
//! It has two steps. [`Received::admission`] decides whether the message may be attempted, from
//! what is known about its delivery. [`disposition`] decides what becomes of the message, after the
//! attempt or if there was none. How late an attempt is, `due` knows.

mod due;

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    delivery::{
        disposition::Disposition, lane::Lane, message::DeliveryMessage, outcome::Outcome, run::RunId,
        schedule::RetrySchedule,
    },
    history::{
        record::{DeliveryRecord, admission::Admission},
        run::Receive,
    },
};

/// What is known about a delivery when one of its messages is received.
#[derive(Debug, Clone)]
pub enum Known {
    /// Its record.
    Record(Box<DeliveryRecord>),
    /// There is no record: no message of the delivery was attempted yet, or no attempt could be
    /// written.
    NoRecord,
    /// Nothing: the history does not respond.
    Nothing,
    /// Nothing: the history is off, so no attempt is ever recorded.
    Off,
}

impl Known {
    /// Its record, if there is one.
    pub fn record(&self) -> Option<&DeliveryRecord> {
        match self {
            Self::Record(record) => Some(record),
            Self::NoRecord | Self::Nothing | Self::Off => None,
        }
    }
}

/// A message as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a, 'p> {
    /// Its body.
    pub message: &'a DeliveryMessage<'p>,
    /// How SQS handed it over.
    pub receive: Receive<'a>,
    /// How often SQS has handed it over, this time included.
    pub count: u32,
    /// When it was sent to SQS, by SQS's clock.
    pub sent_at: Timestamp,
}

impl<'p> Received<'_, 'p> {
    /// When the delivery was queued: as the message says, but never later than SQS says. Another
    /// machine's clock cannot make a delivery younger.
    ///
    /// A redrive is sent from an operator's machine, whose clock may be slow as well. So only SQS's
    /// time counts for it: a message keeps that when SQS moves it to another queue ("Using
    /// dead-letter queues in Amazon SQS", *message retention periods*). A delay's copy says when the
    /// run's first message was queued.
    pub fn queued_at(&self) -> Timestamp {
        match (&self.message.run, &self.message.delay) {
            (RunId::Redrive(_), None) => self.sent_at,
            _ => self.message.enqueued_at.min(self.sent_at),
        }
    }

    /// How long ago the delivery was queued.
    pub fn age(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.queued_at())).unwrap_or_default()
    }

    /// The copy of the message that comes after this wait, an integration's delay, and in the lane that it
    /// is to be sent to ([`Lane::of_copy`]). It names the run's first message as it is known, since SQS may give a message another id when it redrives it. `None`
    /// where nobody can tell which message that is: a copy that named another would be taken for a
    /// stranger.
    pub fn delayed(&self, known: &Known, wait: Duration) -> Option<DeliveryMessage<'p>> {
        let message = self.message;
        let recorded = known.record().and_then(|record| record.runs.iter().find(|run| run.id == message.run));
        let first = match (&message.delay, recorded) {
            (Some(delay), _) => &delay.first_message_id,
            (None, Some(run)) => run.holder.first_message_id(),
            (None, None) if matches!(known, Known::Nothing) && message.lane != self.receive.lane => {
                return None;
            }
            (None, None) => self.receive.message_id,
        };
        Some(message.delayed(first, self.receive.lane.of_copy(wait), self.queued_at()))
    }

    /// Whether the message may be attempted.
    pub fn admission(&self, known: &Known, schedule: &RetrySchedule, now: Timestamp) -> Admission {
        match known {
            Known::Record(record) if record.is_kept(now) => record.admission(self.message, self.receive, now),
            // A delivery that comes late still gets its last attempt.
            Known::Record(_) | Known::NoRecord => Admission::Attempt,
            // Past the schedule nobody can tell whether that was made, but at a first receive it
            // was not.
            Known::Nothing | Known::Off if schedule.is_over(self.age(now)) && self.count > 1 => {
                Admission::Exhausted
            }
            Known::Nothing | Known::Off => Admission::Attempt,
        }
    }
}

/// What becomes of a message. `outcome` is the outcome of its attempt, if one was made. `jitter` is
/// random, from 0 to 1.
pub fn disposition(
    admission: Admission,
    outcome: Option<&Outcome>,
    schedule: &RetrySchedule,
    lane: Lane,
    age: Duration,
    now: Timestamp,
    jitter: f64,
) -> Disposition {
    match (admission, outcome) {
        (Admission::Delivered | Admission::Superseded, _) => Disposition::Ack,
        (_, Some(Outcome::Delivered)) => Disposition::Ack,
        (Admission::Exhausted, _) => Disposition::Exhausted(Duration::ZERO),
        (Admission::LastAttempt, Some(_)) => schedule.after_last_attempt(),
        (Admission::Wait(due), _) => {
            let due_in = Duration::try_from(due.duration_since(now)).unwrap_or_default();
            schedule.wait(lane, age, due_in, jitter)
        }
        (Admission::Attempt, Some(outcome)) => schedule.after(outcome, lane, age, jitter),
        // The attempt could not be made: that is no failure of the endpoint's, so it never ends a
        // run.
        (Admission::Attempt | Admission::LastAttempt, None) => schedule.next(lane, age, None, jitter),
    }
}

/// What becomes of a message that may be attempted, but whose endpoint's host has as many requests
/// at once as it may. That is no failure of the endpoint's, and it uses up a receive only where the
/// message cannot be sent again: a dead letter that was moved by hand is known by its own id.
pub fn crowded(admission: Admission, schedule: &RetrySchedule, age: Duration, jitter: f64) -> Disposition {
    match (admission, schedule.crowded(age, jitter)) {
        (Admission::LastAttempt, Disposition::Delay(wait)) => Disposition::retry(wait),
        (_, disposition) => disposition,
    }
}

#[cfg(test)]
mod tests;
