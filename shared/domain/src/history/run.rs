//! Which message makes the attempts of a run.
//!
//! Several messages may belong to one run: SQS may hand a message over twice, a shard may be read
//! twice, and a redelivery may be sent twice. The first message that is attempted becomes the run's
//! *holder* and makes all its attempts. The others end without an attempt when they are received.
//!
//! The holder is known by its SQS message id. Two kinds of message take its place:
//!
//! * a message that SQS redrove to the retry queue, whatever its id: it names the lane that it was
//!   sent to, it comes from the other lane, and the holder was last seen in the lane that it names;
//! * the copy that an integration's delay made: it names the run's first message, and its number is
//!   higher than the holder's.
//!
//! A run is known once its first attempt is recorded. So if two messages are attempted at the same
//! moment, each may be sent once, and a lost write may cost a repeat. Neither loses a delivery.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::delivery::{lane::Lane, message::DeliveryMessage, run::RunId};

/// How SQS handed a message over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receive<'a> {
    /// The SQS message id.
    pub message_id: &'a str,
    /// The lane that the message came from.
    pub lane: Lane,
}

/// A run that has been attempted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which run it is.
    pub id: RunId,
    /// When its first attempt began.
    pub began_at: Timestamp,
    /// The message that makes its attempts.
    pub holder: Holder,
    /// How it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<RunEnd>,
    /// The SQS message ids of the dead letters that had a last attempt before the holder, at most
    /// [`SPENT_KEPT`]. They get no other, or two dead letters of a run would take turns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent: Vec<String>,
}

/// How many of a run's spent dead letters are kept, the latest ones.
pub const SPENT_KEPT: usize = 10;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunEnd {
    /// The endpoint took the delivery.
    Delivered,
    /// Its last attempt failed.
    Dead,
}

/// The message that makes a run's attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its SQS message id.
    pub message_id: String,
    /// The lane that it was last seen in.
    pub lane: Lane,
    /// The SQS message id of the run's first message, if that is not this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_message_id: Option<String>,
    /// How many copies delays have made so far.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub copies: u32,
}

impl Run {
    /// The run as it begins.
    pub fn begin(id: RunId, began_at: Timestamp, holder: Holder) -> Self {
        Self { id, began_at, holder, end: None, spent: Vec::new() }
    }

    /// Takes a message up as the holder, in the place of the one before.
    pub fn adopt(&mut self, holder: Holder) {
        let after = holder.after(&self.holder);
        let before = std::mem::replace(&mut self.holder, after);
        if self.end == Some(RunEnd::Dead) && before.message_id != self.holder.message_id {
            self.spent.push(before.message_id);
            self.spent.drain(..self.spent.len().saturating_sub(SPENT_KEPT));
        }
    }

    /// Whether a message of the run, which is dead, had its last attempt.
    pub fn is_spent(&self, message: &DeliveryMessage<'_>, receive: Receive<'_>) -> bool {
        self.holder.admits(message, receive) || self.spent.iter().any(|id| id == receive.message_id)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_zero(copies: &u32) -> bool {
    *copies == 0
}

impl Holder {
    /// The message as the holder of its run.
    pub fn of(message: &DeliveryMessage<'_>, receive: Receive<'_>) -> Self {
        let delay = message.delay.as_ref();
        Self {
            message_id: receive.message_id.to_owned(),
            lane: receive.lane,
            first_message_id: delay.map(|delay| delay.first_message_id.clone()),
            copies: delay.map_or(0, |delay| delay.number),
        }
    }

    /// This holder in the place of the one before. The run's first message stays known.
    pub fn after(self, before: &Self) -> Self {
        let is_first = self.message_id == before.first_message_id();
        let first_message_id = (!is_first).then(|| before.first_message_id().to_owned());
        Self { first_message_id: self.first_message_id.or(first_message_id), ..self }
    }

    /// The SQS message id of the run's first message.
    pub fn first_message_id(&self) -> &str {
        self.first_message_id.as_deref().unwrap_or(&self.message_id)
    }

    /// Whether a message of the run is the holder or takes the holder's place.
    pub fn admits(&self, message: &DeliveryMessage<'_>, receive: Receive<'_>) -> bool {
        self.message_id == receive.message_id
            || self.was_redriven(message, receive)
            || message.delay.as_ref().is_some_and(|delay| {
                // Where SQS redrove the message before its copy was made, the copy may name it by
                // either id.
                [self.first_message_id(), &self.message_id].contains(&delay.first_message_id.as_str())
                    && delay.number > self.copies
            })
    }

    /// Whether the message is the holder after SQS redrove it to the other lane.
    fn was_redriven(&self, message: &DeliveryMessage<'_>, receive: Receive<'_>) -> bool {
        let copies = message.delay.as_ref().map_or(0, |delay| delay.number);
        message.lane != receive.lane && self.lane == message.lane && self.copies == copies
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holder(message_id: &str, first: Option<&str>) -> Holder {
        let first_message_id = first.map(str::to_owned);
        Holder { message_id: message_id.to_owned(), lane: Lane::Fast, first_message_id, copies: 0 }
    }

    /// Two dead letters of a run would otherwise take turns.
    #[test]
    fn a_dead_letter_that_had_its_last_attempt_is_spent() {
        for (end, next, spent) in [
            (Some(RunEnd::Dead), "m-2", &["m-1"][..]),
            (Some(RunEnd::Dead), "m-1", &[]),
            (Some(RunEnd::Delivered), "m-2", &[]),
            (None, "m-2", &[]),
        ] {
            let mut run = Run { end, ..Run::begin(RunId::Event, Timestamp::UNIX_EPOCH, holder("m-1", None)) };
            run.adopt(holder(next, None));
            assert_eq!(run.spent, spent, "{end:?}, {next}");
        }
    }

    #[test]
    fn the_latest_ten_spent_dead_letters_are_kept() {
        let mut run = Run::begin(RunId::Event, Timestamp::UNIX_EPOCH, holder("m-0", None));
        run.end = Some(RunEnd::Dead);
        (1..=12).for_each(|number| run.adopt(holder(&format!("m-{number}"), None)));
        let expected: Vec<_> = (2..=11).map(|number| format!("m-{number}")).collect();
        assert_eq!(run.spent, expected);
    }

    #[test]
    fn the_first_message_of_a_run_stays_known() {
        for (holder, before, first) in [
            (holder("m-2", None), holder("m-1", None), Some("m-1")),
            (holder("m-3", None), holder("m-2", Some("m-1")), Some("m-1")),
            (holder("m-3", Some("m-1")), holder("m-2", None), Some("m-1")),
            // The first message itself needs no other name.
            (holder("m-1", None), holder("m-2", Some("m-1")), None),
            (holder("m-1", None), holder("m-1", None), None),
        ] {
            let after = holder.clone().after(&before);
            assert_eq!(after.first_message_id.as_deref(), first, "{holder:?} after {before:?}");
        }
    }

    /// Nearly every record has one run and no copies, and each is a write of every attempt.
    #[test]
    fn a_run_is_stored_without_what_is_not_there() -> Result<(), serde_json::Error> {
        let run = Run::begin(RunId::Event, Timestamp::UNIX_EPOCH, holder("m-1", None));
        let stored = json!({
            "id": "event", "began_at": "1970-01-01T00:00:00Z", "holder": {"message_id": "m-1", "lane": "fast"},
        });
        assert_eq!(serde_json::to_value(&run)?, stored);
        assert_eq!(serde_json::from_value::<Run>(stored)?, run);
        let copied = Holder { copies: 2, ..holder("c-2", Some("m-1")) };
        let stored = json!({"message_id": "c-2", "lane": "fast", "first_message_id": "m-1", "copies": 2});
        assert_eq!(serde_json::to_value(copied)?, stored);
        Ok(())
    }
}
