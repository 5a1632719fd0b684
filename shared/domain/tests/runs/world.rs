//! SQS's two lanes, the history and one delivery, on a virtual clock: the world that the delivery
//! function lives in, as far as a run can tell. What it decides is the domain's own code.

use std::ops::Range;

use jiff::Timestamp;
use storehook_domain::{
    delivery::{
        disposition::Disposition,
        lane::Lane,
        message::DeliveryMessage,
        outcome::Outcome,
        run::RunId,
        schedule::{AGES, RetrySchedule},
    },
    history::{
        decision::{Known, disposition},
        record::{DeliveryRecord, admission::Admission},
        state::DeliveryState,
    },
};

use crate::{
    kinds::{Answer, Fault, Post, Redrive},
    messages::{Queued, at},
};

/// The queues' visibility timeout, in milliseconds.
const VISIBILITY_TIMEOUT: i64 = 360_000;

/// How long the function may work on a batch, in milliseconds.
const FUNCTION_TIMEOUT: i64 = 60_000;

/// A receive that is under way.
#[derive(Debug)]
struct UnderWay {
    /// Which message, by its place in the list of messages.
    number: usize,
    admission: Admission,
    /// The record as it was loaded.
    known: Known,
    received_at: i64,
    fault: Fault,
}

/// The world.
pub(crate) struct World {
    pub(crate) schedule: RetrySchedule,
    pub(crate) redrive: Redrive,
    pub(crate) now: i64,
    pub(crate) record: Option<DeliveryRecord>,
    pub(crate) posts: Vec<Post>,
    /// How many messages reached the dead-letter queue, by run.
    pub(crate) dead_letters: Vec<RunId>,
    /// The runs whose messages ended because the webhook was paused or deleted.
    pub(crate) held: Vec<RunId>,
    pub(crate) cancelled: Vec<RunId>,
    /// The runs that a message was sent of.
    pub(crate) sent: Vec<RunId>,
    /// When the history is silent.
    pub(crate) silence: Range<i64>,
    pub(crate) faults: usize,
    /// How often receives of the delivery overlapped.
    pub(crate) overlaps: usize,
    messages: Vec<Option<Queued>>,
    under_way: Vec<UnderWay>,
    next_id: usize,
}

impl World {
    pub(crate) fn new(redrive: Redrive) -> Self {
        Self {
            schedule: RetrySchedule::default(),
            redrive,
            now: 0,
            record: None,
            posts: Vec::new(),
            dead_letters: Vec::new(),
            held: Vec::new(),
            cancelled: Vec::new(),
            sent: Vec::new(),
            silence: 0..0,
            faults: 0,
            overlaps: 0,
            messages: Vec::new(),
            under_way: Vec::new(),
            next_id: 0,
        }
    }

    /// Puts a message into the fast lane.
    pub(crate) fn send(&mut self, mut body: DeliveryMessage<'static>) {
        body.enqueued_at = at(self.now);
        self.sent.push(body.run.clone());
        self.push(body, Lane::Fast, 0);
    }

    fn push(&mut self, body: DeliveryMessage<'static>, lane: Lane, delay: i64) {
        let id = self.new_id();
        let visible_at = self.now + delay;
        self.messages.push(Some(Queued { id, body, lane, sent_at: self.now, visible_at, count: 0 }));
    }

    fn new_id(&mut self) -> String {
        self.next_id += 1;
        format!("m-{}", self.next_id)
    }

    /// SQS shows a message twice, at the same time and under the same id.
    pub(crate) fn show_twice(&mut self, which: usize) {
        if let Some(number) = self.pick(which) {
            let copy = self.messages[number].clone();
            self.messages.push(copy);
        }
    }

    /// A message that is in a queue, by any number.
    fn pick(&self, which: usize) -> Option<usize> {
        let alive: Vec<_> =
            (0..self.messages.len()).filter(|number| self.messages[*number].is_some()).collect();
        alive.get(which.checked_rem(alive.len())?).copied()
    }

    /// A time at which every attempt that will never come is overdue.
    pub(crate) fn later(&self) -> Timestamp {
        at(self.now + 24 * 60 * 60 * 1_000)
    }

    /// Whether nothing is queued and nothing is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.under_way.is_empty() && self.messages.iter().all(Option::is_none)
    }

    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// The next message becomes visible and is received, or moved to its next queue; but not before
    /// the receives that are under way must have ended.
    pub(crate) fn receive(&mut self, fault: Fault) {
        let visible = self
            .messages
            .iter()
            .enumerate()
            .filter_map(|(number, message)| Some((message.as_ref()?.visible_at, number)));
        let Some((visible_at, number)) = visible.min() else { return };
        if self.under_way.iter().any(|under_way| visible_at > under_way.received_at + FUNCTION_TIMEOUT) {
            return;
        }
        self.now = self.now.max(visible_at);
        let new_id = self.new_id();
        let (keeps_id, keeps_count) = (self.redrive.keeps_id, self.redrive.keeps_count);
        let Some(message) = &mut self.messages[number] else { return };
        if message.count as usize >= message.lane.max_receive_count() {
            match message.lane {
                Lane::Fast => {
                    message.lane = Lane::Slow;
                    message.count = if keeps_count { message.count } else { 0 };
                    message.id = if keeps_id { message.id.clone() } else { new_id };
                }
                Lane::Slow => {
                    self.dead_letters.push(message.body.run.clone());
                    self.messages[number] = None;
                }
            }
            return;
        }
        message.count += 1;
        message.visible_at = self.now + VISIBILITY_TIMEOUT;
        if fault == Fault::DiesAtOnce {
            self.faults += 1;
            return;
        }
        let fault = match fault {
            Fault::None if self.silence.contains(&self.now) => Fault::HistoryIsSilent,
            fault => fault,
        };
        let known = match self.record.clone() {
            _ if fault.loses_read() => Known::Nothing,
            Some(record) => Known::Record(Box::new(record)),
            None => Known::NoRecord,
        };
        let admission = message.received().admission(&known, &self.schedule, at(self.now));
        self.overlaps += usize::from(!self.under_way.is_empty());
        self.under_way.push(UnderWay { number, admission, known, received_at: self.now, fault });
    }

    /// A receive that is under way ends: its POST is answered, the record written, the message
    /// dealt with.
    pub(crate) fn finish(&mut self, which: usize, answer: Answer, latency: i64, jitter: f64) {
        let Some(index) = which.checked_rem(self.under_way.len()) else { return };
        let UnderWay { number, admission, known, received_at, fault } = self.under_way.swap_remove(index);
        self.faults += usize::from(fault != Fault::None);
        let Some(message) = self.messages[number].clone() else { return };
        let (run, schedule) = (message.body.run.clone(), self.schedule);
        let admitted = matches!(admission, Admission::Attempt | Admission::LastAttempt);
        let answer = if self.cancelled.is_empty() { answer } else { Answer::IsDeleted };
        let stopped = match answer {
            Answer::IsPaused if admitted => Some(DeliveryState::Held),
            Answer::IsDeleted if admitted => Some(DeliveryState::Cancelled),
            _ => None,
        };
        let attempted = admitted && stopped.is_none();
        let latency = if attempted { latency } else { 0 };
        self.now = self.now.max(received_at + latency);
        let outcome = attempted.then(|| answer.outcome());
        let age = message.received().age(at(self.now));
        let now = at(self.now);
        let mut decided = disposition(admission, outcome.as_ref(), &schedule, message.lane, age, now, jitter);
        if let Some(outcome) = outcome {
            let began_age = message.received().age(at(received_at)).as_secs();
            let recorded = known.record();
            let own = recorded.and_then(|record| record.runs.iter().find(|known| known.id == run));
            self.posts.push(Post {
                run: run.clone(),
                point: AGES.iter().filter(|point| **point <= began_age).count(),
                delivered: outcome == Outcome::Delivered,
                was_delivered: own.is_some_and(|own| own.end.is_some()) && admission == Admission::Attempt,
            });
            if fault == Fault::DiesAfterPost {
                return;
            }
            if !fault.loses_write() {
                self.write(&message, at(received_at), outcome, decided);
            }
        }
        if let Some(state) = stopped {
            if self.end(&message, state, fault) {
                decided = Disposition::Ack;
                self.runs_in(state).push(run);
            } else {
                decided = schedule.next(message.lane, age, None, jitter);
            }
        }
        if fault == Fault::DiesAfterWrite {
            return;
        }
        self.apply(number, &message, decided, &known);
    }

    fn apply(&mut self, number: usize, message: &Queued, decided: Disposition, known: &Known) {
        let wait = i64::from(decided.wait_seconds().unwrap_or_default()) * 1_000;
        match decided {
            Disposition::Ack | Disposition::Hold => self.messages[number] = None,
            Disposition::Delay(_) if let Some(copy) = message.received().delayed(known) => {
                self.push(copy, message.lane, wait);
                self.messages[number] = None;
            }
            Disposition::Delay(_) | Disposition::Retry { .. } | Disposition::Exhausted(_) => {
                if let Some(message) = &mut self.messages[number] {
                    message.visible_at = self.now + wait;
                }
            }
        }
    }
}
