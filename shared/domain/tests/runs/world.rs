//! SQS's two lanes, the history and one delivery, on a virtual clock: the world that the delivery
//! function lives in, as far as a run can tell. What it decides is the domain's own code.

use std::{collections::BTreeMap, ops::Range};

use jiff::{SignedDuration, Timestamp};
use storehook_domain::{
    delivery::{
        disposition::Disposition,
        lane::Lane,
        outcome::Outcome,
        run::RunId,
        schedule::{AGES, RetrySchedule},
    },
    history::{
        decision::{Known, disposition},
        record::{DeliveryRecord, admission::Admission},
        run::RunEnd,
        state::DeliveryState,
    },
};

use crate::{
    kinds::{Answer, Cause, Fault, Post, Redrive},
    messages::{Queued, at},
};

/// The queues' visibility timeout, in milliseconds.
const VISIBILITY_TIMEOUT: i64 = 360_000;

/// How much earlier than it is due an attempt may be made. Such an attempt is the one that is due.
const EARLY: SignedDuration = SignedDuration::from_secs(2);

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
    /// Whether another receive of the delivery was under way at the same time.
    overlaps: bool,
    /// What went wrong in the receive before it in its run.
    before: Vec<Cause>,
}

/// The world.
pub(crate) struct World {
    pub(crate) schedule: RetrySchedule,
    pub(crate) redrive: Redrive,
    /// How far the clocks of operators' machines are ahead, in milliseconds.
    pub(crate) skew: i64,
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
    pub(crate) messages: Vec<Option<Queued>>,
    under_way: Vec<UnderWay>,
    pub(crate) next_id: usize,
    /// What went wrong in the latest receive of each run.
    latest: BTreeMap<String, Vec<Cause>>,
}

impl World {
    pub(crate) fn new(redrive: Redrive) -> Self {
        Self {
            schedule: RetrySchedule::default(),
            redrive,
            skew: 0,
            now: 0,
            record: None,
            posts: Vec::new(),
            dead_letters: Vec::new(),
            held: Vec::new(),
            cancelled: Vec::new(),
            sent: Vec::new(),
            silence: 0..0,
            messages: Vec::new(),
            under_way: Vec::new(),
            next_id: 0,
            latest: BTreeMap::new(),
        }
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
        let run = message.body.run.clone();
        if fault == Fault::DiesAtOnce {
            self.latest.insert(run.to_string(), vec![Cause::Fault(fault)]);
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
        let before = self.latest.get(&run.to_string()).cloned().unwrap_or_default();
        let overlaps = !self.under_way.is_empty();
        self.under_way.iter_mut().for_each(|other| other.overlaps = true);
        let received_at = self.now;
        self.under_way.push(UnderWay { number, admission, known, received_at, fault, overlaps, before });
    }

    /// A receive that is under way ends: its POST is answered, the record written, the message
    /// dealt with.
    pub(crate) fn finish(&mut self, which: usize, answer: Answer, latency: i64, jitter: f64) {
        let Some(index) = which.checked_rem(self.under_way.len()) else { return };
        let UnderWay { number, admission, known, received_at, fault, overlaps, before } =
            self.under_way.swap_remove(index);
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
        let dies_after_copy = fault == Fault::DiesAfterCopy && matches!(decided, Disposition::Delay(_));
        let mut causes = Vec::new();
        if fault != Fault::None && (fault != Fault::DiesAfterCopy || dies_after_copy) {
            causes.push(Cause::Fault(fault));
        }
        causes.extend(overlaps.then_some(Cause::Overlap));
        causes.extend(answer.asks().then_some(Cause::Asked));
        let was_held = known.record().is_some_and(|record| record.state == DeliveryState::Held);
        causes.extend(was_held.then_some(Cause::Held));
        let recorded = known.record();
        let end = recorded.and_then(|record| record.runs.iter().find(|known| known.id == run)?.end);
        causes.extend((end == Some(RunEnd::Dead)).then_some(Cause::Dead));
        // A receive that only waits says nothing of the attempt before it.
        if attempted || !causes.is_empty() {
            self.latest.insert(run.to_string(), causes.clone());
        }
        if let Some(outcome) = outcome {
            let latest = recorded.filter(|record| record.runs.last().is_some_and(|known| known.id == run));
            let due_at = latest.and_then(|record| record.next_attempt_at);
            let early = due_at.filter(|due| *due <= at(received_at) + EARLY);
            let began_age = message.received().age(at(received_at).max(early.unwrap_or_default())).as_secs();
            self.posts.push(Post {
                run: run.clone(),
                point: AGES.iter().filter(|point| **point <= began_age).count(),
                delivered: outcome == Outcome::Delivered,
                was_delivered: end == Some(RunEnd::Delivered),
                causes,
                before,
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
        self.apply(number, &message, decided, &known, dies_after_copy);
    }
}
