//! The one decision of the delivery function, as a value: what to do with a received message.
//!
//! It has two steps. [`Received::admission`] decides whether the message may be attempted, from
//! what is known about its delivery. [`disposition`] decides what becomes of the message, after the
//! attempt or if there was none.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    delivery::{
        disposition::Disposition, lane::Lane, message::DeliveryMessage, outcome::Outcome,
        schedule::RetrySchedule,
    },
    history::{
        record::{DeliveryRecord, admission::Admission},
        run::Receive,
    },
};

/// What is known about a delivery when one of its messages is received.
#[derive(Debug, Clone, Copy)]
pub enum Known<'a> {
    /// Its record.
    Record(&'a DeliveryRecord),
    /// There is no record: no message of the delivery was attempted yet, or no attempt could be
    /// written.
    NoRecord,
    /// Nothing: the history is off, or does not respond.
    Nothing,
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
    pub fn queued_at(&self) -> Timestamp {
        self.message.enqueued_at.min(self.sent_at)
    }

    /// How long ago the delivery was queued.
    pub fn age(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.queued_at())).unwrap_or_default()
    }

    /// The copy of the message that comes after an integration's delay. It names the run's first
    /// message by the recorded id, because SQS may change a message's id when it redrives the
    /// message.
    pub fn delayed(&self, known: Known<'_>) -> DeliveryMessage<'p> {
        let message = self.message;
        let recorded = match known {
            Known::Record(record) => record.runs.iter().find(|run| run.id == message.run),
            Known::NoRecord | Known::Nothing => None,
        };
        let first = match (&message.delay, recorded) {
            (Some(delay), _) => &delay.first_message_id,
            (None, Some(run)) => run.holder.first_message_id(),
            (None, None) => self.receive.message_id,
        };
        message.delayed(first, self.receive.lane, self.queued_at())
    }

    /// Whether the message may be attempted.
    pub fn admission(&self, known: Known<'_>, schedule: &RetrySchedule, now: Timestamp) -> Admission {
        match known {
            Known::Record(record) if record.is_kept(now) => record.admission(self.message, self.receive, now),
            // A delivery that comes late still gets its last attempt.
            Known::Record(_) | Known::NoRecord => Admission::Attempt,
            // Past the schedule the last attempt may have been made already, except at a first
            // receive.
            Known::Nothing if schedule.is_over(self.age(now)) && self.count > 1 => Admission::Exhausted,
            Known::Nothing => Admission::Attempt,
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
        (Admission::Exhausted | Admission::LastAttempt, _) => Disposition::Exhausted(Duration::ZERO),
        (Admission::Wait(due), _) => {
            let due_in = Duration::try_from(due.duration_since(now)).unwrap_or_default();
            schedule.wait(lane, age, due_in, jitter)
        }
        (Admission::Attempt, Some(outcome)) => schedule.after(outcome, lane, age, jitter),
        (Admission::Attempt, None) => schedule.next(lane, age, None, jitter),
    }
}
