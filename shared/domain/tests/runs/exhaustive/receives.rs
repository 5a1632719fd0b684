//! How a receive changes the state. The domain decides, as in the simulations beside this module.

use std::time::Duration;

use jiff::SignedDuration;
use storehook_domain::{
    delivery::{disposition::Disposition, lane::Lane, outcome::Outcome, run::RunId, schedule::RetrySchedule},
    history::{
        attempt::Attempt, decision::disposition, held_for::HeldFor, record::DeliveryRecord, run::RunEnd,
        state::DeliveryState,
    },
};

use super::{
    case::{Case, UNUSUAL},
    state::{Read, Recorded, State, Stop, UnderWay},
};
use crate::{
    kinds::{Answer, Fault},
    messages::{Queued, at},
};

/// The queues' visibility timeout, in milliseconds.
const VISIBILITY_TIMEOUT: i64 = 360_000;

/// How long an attempt takes, in milliseconds.
const LATENCY: i64 = 1_000;

/// How long records are kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 365);

impl State {
    /// SQS hands a message over, or moves it to its next queue.
    pub(crate) fn receive(&mut self, case: &Case, slot: usize, fault: Fault) {
        let next = self.messages.iter().flatten().map(|message| message.visible_at).min();
        let turn = self.now.max(next.unwrap_or_default());
        let Some(message) = &mut self.messages[slot] else { return };
        self.mishaps -= u8::from(message.visible_at > turn) + u8::from(fault != Fault::None);
        self.now = self.now.max(message.visible_at);
        if message.count as usize >= case.receives(message.lane) {
            self.move_on(case, slot);
            return;
        }
        message.count += 1;
        message.visible_at = self.now + VISIBILITY_TIMEOUT;
        let run = message.body.run.clone();
        if fault == Fault::DiesAtOnce {
            self.excuse(&run, true);
            return;
        }
        let read = match &self.record {
            _ if fault.loses_read() => Read::Lost,
            Some(record) => Read::Record(record.clone()),
            None => Read::NoRecord,
        };
        let admission = message.received().admission(&read.known(), &RetrySchedule::default(), at(self.now));
        let overlaps = !self.under_way.is_empty();
        self.under_way.iter_mut().for_each(|other| other.overlaps = true);
        self.under_way.push(UnderWay { slot, read, admission, received_at: self.now, fault, overlaps });
    }

    /// SQS moves a message whose receives are used up.
    fn move_on(&mut self, case: &Case, slot: usize) {
        let Some(message) = &mut self.messages[slot] else { return };
        match message.lane {
            Lane::Fast => {
                message.lane = Lane::Slow;
                message.count = if case.redrive.keeps_count { message.count } else { 0 };
                if !case.redrive.keeps_id {
                    message.id.push('r');
                }
            }
            Lane::Slow => {
                let run = message.body.run.clone();
                self.messages[slot] = None;
                self.stop(&run, Stop::DeadLetter);
            }
        }
    }

    /// A receive that is under way ends.
    pub(crate) fn finish(&mut self, which: usize, answer: Answer) {
        let receive = self.under_way.remove(which);
        let Some(message) = self.messages[receive.slot].clone() else { return };
        let run = message.body.run.clone();
        self.mishaps -= u8::from(UNUSUAL.contains(&answer) && receive.is_admitted() && !self.is_deleted);
        let stopped = match answer {
            Answer::IsPaused if receive.is_admitted() => Some(Stop::Held),
            Answer::IsDeleted if receive.is_admitted() => Some(Stop::Cancelled),
            _ => None,
        };
        self.is_deleted |= stopped == Some(Stop::Cancelled);
        let attempted = receive.is_admitted() && stopped.is_none();
        self.now = self.now.max(receive.received_at + if attempted { LATENCY } else { 0 });
        let outcome = attempted.then(|| answer.outcome());
        let (now, schedule) = (at(self.now), RetrySchedule::default());
        let age = message.received().age(now);
        let mut decided =
            disposition(receive.admission, outcome.as_ref(), &schedule, message.lane, age, now, 0.0);
        let known = receive.read.known();
        let record = known.record();
        let end = record.and_then(|record| record.runs.iter().find(|known| known.id == run)?.end);
        let was_held = record.is_some_and(|record| record.state == DeliveryState::Held);
        let dies_after_copy = receive.fault == Fault::DiesAfterCopy;
        let has_excuse = receive.fault != Fault::None || receive.overlaps || answer.asks();
        self.excuse(&run, has_excuse || was_held || end == Some(RunEnd::Dead));
        if let Some(outcome) = outcome {
            self.has_repeated |= end == Some(RunEnd::Delivered);
            if let Some(book) = self.book(&run) {
                book.posts += 1;
            }
            if outcome == Outcome::Delivered {
                self.stop(&run, Stop::Delivered);
            }
            if receive.fault == Fault::DiesAfterPost {
                return;
            }
            if !receive.fault.loses_write() {
                self.write(&message, receive.received_at, outcome, decided);
            }
        }
        if let Some(stop) = stopped {
            let is_recorded = !receive.fault.loses_write();
            if is_recorded {
                self.end(&message, stop);
            }
            // A held delivery must be recorded before its message ends.
            decided = if is_recorded || stop == Stop::Cancelled {
                self.stop(&run, stop);
                Disposition::Ack
            } else {
                schedule.next(message.lane, age, None, 0.0)
            };
        }
        if receive.fault != Fault::DiesAfterWrite {
            self.apply(receive.slot, &message, decided, &receive.read, dies_after_copy);
        }
    }

    fn excuse(&mut self, run: &RunId, is_one: bool) {
        if let Some(book) = self.book(run) {
            book.excuses += u8::from(is_one);
        }
    }

    fn stop(&mut self, run: &RunId, stop: Stop) {
        if let Some(book) = self.book(run) {
            book.stops[stop as usize] = true;
        }
    }

    /// The record as it is when somebody changes it.
    fn recorded(&self, message: &Queued) -> DeliveryRecord {
        let record = self.record.as_ref().map(|record| record.get().clone());
        record.unwrap_or_else(|| DeliveryRecord::begin(&message.body, KEPT_FOR))
    }

    fn write(&mut self, message: &Queued, began_at: i64, outcome: Outcome, decided: Disposition) {
        let attempt = Attempt {
            at: at(began_at),
            latency: Duration::ZERO,
            address: String::new(),
            request: None,
            status: None,
            response: None,
            outcome,
            details: None,
        };
        let receive = message.received().receive;
        let record = self.recorded(message).attempted(&message.body, receive, attempt, decided, at(self.now));
        self.record = Some(Recorded::of(record));
    }

    fn end(&mut self, message: &Queued, stop: Stop) {
        let (record, receive, now) = (self.recorded(message), message.received().receive, at(self.now));
        let ended = match stop {
            Stop::Held => record.held(&message.body, receive, HeldFor::Paused, now),
            _ => record.ended(&message.body, receive, DeliveryState::Cancelled, now),
        };
        self.record = ended.map(Recorded::of).or(self.record.take());
    }

    /// What was decided happens to a message.
    fn apply(&mut self, slot: usize, message: &Queued, decided: Disposition, read: &Read, dies: bool) {
        let wait = i64::from(decided.wait_seconds().unwrap_or_default()) * 1_000;
        match decided {
            Disposition::Ack | Disposition::Hold => self.messages[slot] = None,
            Disposition::Delay(delay) => match message.received().delayed(&read.known(), delay) {
                Some(body) => {
                    let (id, lane) = (format!("{}d", message.id), body.lane);
                    let (sent_at, visible_at) = (self.now, self.now + wait);
                    let copy = Queued { id, body, lane, sent_at, visible_at, count: 0 };
                    if dies {
                        self.messages.push(Some(copy));
                    } else {
                        self.messages[slot] = Some(copy);
                    }
                }
                None => self.show_later(slot, wait),
            },
            Disposition::Retry { .. } | Disposition::Exhausted(_) => self.show_later(slot, wait),
        }
    }

    fn show_later(&mut self, slot: usize, wait: i64) {
        if let Some(message) = &mut self.messages[slot] {
            message.visible_at = self.now + wait;
        }
    }
}
