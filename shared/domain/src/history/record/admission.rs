//! Which messages of a delivery may be attempted.

use jiff::{SignedDuration, Timestamp};

use crate::{
    delivery::message::DeliveryMessage,
    history::{
        record::DeliveryRecord,
        run::{Receive, Run, RunEnd},
        state::DeliveryState,
    },
};

/// How much earlier than the recorded time a message may be attempted. The clocks of two machines
/// differ a little, and a message that must wait uses up a receive of its queue.
const EARLY: SignedDuration = SignedDuration::from_secs(2);

/// Whether a received message may be attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Attempt,
    /// It may, once more: its run is dead, and somebody moved the dead letter back by hand.
    LastAttempt,
    /// It may, but not before this time.
    Wait(Timestamp),
    /// It may not. Its run is dead, and it goes to the dead letters.
    Exhausted,
    /// It may not. The delivery was delivered.
    Delivered,
    /// It may not. Another message makes the attempts of its run, or a later run has begun.
    Superseded,
}

impl DeliveryRecord {
    /// Whether a message of this delivery may be attempted.
    pub fn admission(
        &self,
        message: &DeliveryMessage<'_>,
        receive: Receive<'_>,
        now: Timestamp,
    ) -> Admission {
        let own = self.runs.iter().find(|run| run.id == message.run);
        let is_delivered = own.is_some_and(|run| run.end == Some(RunEnd::Delivered))
            || self.state == DeliveryState::Delivered && !message.run.repeats_delivered();
        let is_latest = self.runs.last().is_none_or(|latest| latest.id == message.run);
        match own {
            _ if is_delivered => Admission::Delivered,
            // Two senders may give two events the same id. The first event keeps it.
            _ if self.is_other_payload(message) => Admission::Superseded,
            // The event's own run is the earliest.
            None if message.run.is_events_own() && !is_latest => Admission::Superseded,
            Some(_) if !is_latest => Admission::Superseded,
            _ if self.state == DeliveryState::Held => Admission::Attempt,
            None => Admission::Attempt,
            Some(run @ Run { end: Some(_), .. }) if run.is_spent(message, receive) => Admission::Exhausted,
            Some(Run { end: Some(_), .. }) => Admission::LastAttempt,
            Some(Run { holder, .. }) if !holder.admits(message, receive) => {
                // SQS may have moved the holder to the dead letters by its own count.
                if self.is_overdue(now) { Admission::LastAttempt } else { Admission::Superseded }
            }
            Some(_) => match self.next_attempt_at {
                Some(due) if due.duration_since(now) > EARLY => Admission::Wait(due),
                _ => Admission::Attempt,
            },
        }
    }
}
