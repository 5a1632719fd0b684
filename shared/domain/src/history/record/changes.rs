//! How attempts and ends change a delivery's record.

use jiff::Timestamp;

use crate::{
    delivery::{disposition::Disposition, message::DeliveryMessage},
    history::{
        attempt::{Attempt, AttemptRecord},
        held_for::HeldFor,
        record::{ATTEMPTS_KEPT, DETAILS_LIMIT, DeliveryRecord, RUNS_KEPT, admission::Admission},
        run::{Holder, Receive, Run, RunEnd},
        state::DeliveryState,
    },
};

impl DeliveryRecord {
    /// The record after an attempt of this message. Its disposition was decided now.
    ///
    /// The latest run determines the state. An attempt of an earlier run may still be under way
    /// then. It changes the state only if it delivered, and not if the latest run repeats
    /// deliveries.
    pub fn attempted(
        mut self,
        message: &DeliveryMessage<'_>,
        receive: Receive<'_>,
        attempt: Attempt,
        disposition: Disposition,
        now: Timestamp,
    ) -> Self {
        let (is_holder, is_latest) = self.enter_run(message, receive, attempt.at, now);
        let is_delivered = disposition == Disposition::Ack;
        if is_latest && is_holder {
            self.take_event_of(message);
        } else if self.is_other_payload(message) {
            self.has_other_payload = true;
        }
        if is_delivered {
            self.latency_ms = Some(attempt.latency_ms());
        }
        let repeats = self.runs.last().is_some_and(|latest| latest.id.repeats_delivered());
        let was_delivered = self.state == DeliveryState::Delivered;
        let counts = if is_delivered { is_latest || !repeats } else { is_holder && is_latest };
        let is_undone = was_delivered && !(is_latest && message.run.repeats_delivered());
        if counts && (is_delivered || !is_undone && self.end_of(message) != Some(RunEnd::Delivered)) {
            (self.state, self.next_attempt_at) = self.state.after_attempt(disposition, now);
            // Only a failing endpoint has a delivery held after an attempt.
            self.note_hold((self.state == DeliveryState::Held).then_some(HeldFor::Failing), now);
        }
        let end = match disposition {
            Disposition::Ack => Some(RunEnd::Delivered),
            Disposition::Exhausted(_) if is_holder => Some(RunEnd::Dead),
            Disposition::Exhausted(_)
            | Disposition::Delay(_)
            | Disposition::Hold
            | Disposition::Retry { .. } => None,
        };
        if let Some(run) = self.runs.iter_mut().find(|run| run.id == message.run)
            && run.end != Some(RunEnd::Delivered)
        {
            run.end = end.or(run.end);
        }
        if is_latest && is_holder || is_delivered {
            self.show(&attempt);
        }
        self.push(message, attempt);
        self.version += 1;
        self
    }

    /// The record after one of its messages was held without an attempt; `None` as in
    /// [`Self::ended`].
    ///
    /// What is held for a failing endpoint stays so, although the webhook is paused meanwhile: it
    /// comes back by itself when the webhook is resumed.
    pub fn held(
        self,
        message: &DeliveryMessage<'_>,
        receive: Receive<'_>,
        reason: HeldFor,
        now: Timestamp,
    ) -> Option<Self> {
        let is_failing = self.held_for == Some(HeldFor::Failing);
        let reason = if is_failing { HeldFor::Failing } else { reason };
        self.ended_as(message, receive, (DeliveryState::Held, Some(reason)), now)
    }

    /// The record after one of its messages has ended in this state without an attempt. `None` if
    /// the record has this state already, or if the message may not change it.
    pub fn ended(
        self,
        message: &DeliveryMessage<'_>,
        receive: Receive<'_>,
        state: DeliveryState,
        now: Timestamp,
    ) -> Option<Self> {
        self.ended_as(message, receive, (state, None), now)
    }

    fn ended_as(
        mut self,
        message: &DeliveryMessage<'_>,
        receive: Receive<'_>,
        (state, held_for): (DeliveryState, Option<HeldFor>),
        now: Timestamp,
    ) -> Option<Self> {
        let is_news = self.version == 0 || (self.state, self.held_for) != (state, held_for);
        let has_say = match self.admission(message, receive, now) {
            Admission::Attempt | Admission::LastAttempt | Admission::Wait(_) => true,
            Admission::Exhausted | Admission::Delivered | Admission::Superseded => false,
        };
        if !is_news || !has_say {
            return None;
        }
        self.take_event_of(message);
        (self.state, self.next_attempt_at) = (state, None);
        self.note_hold(held_for, now);
        self.version += 1;
        Some(self)
    }

    fn note_hold(&mut self, held_for: Option<HeldFor>, now: Timestamp) {
        self.held_for = held_for;
        self.held_at = self.held_at.or(held_for.map(|_| now));
    }

    /// The record after a message with another payload has come under its id; `None` if the record
    /// says so already.
    pub fn with_other_payload(self, message: &DeliveryMessage<'_>) -> Option<Self> {
        let is_news = self.is_other_payload(message) && !self.has_other_payload;
        is_news.then(|| Self { has_other_payload: true, version: self.version + 1, ..self })
    }

    /// Whether a message's payload differs from the delivery's.
    pub fn is_other_payload(&self, message: &DeliveryMessage<'_>) -> bool {
        let digests = (&self.envelope.payload_digest, &message.envelope.payload_digest);
        matches!(digests, (Some(own), Some(other)) if own != other)
    }

    /// Makes the message the holder of its run if it may be. Returns whether it is the holder, and
    /// whether its run is the latest.
    fn enter_run(
        &mut self,
        message: &DeliveryMessage<'_>,
        receive: Receive<'_>,
        began_at: Timestamp,
        now: Timestamp,
    ) -> (bool, bool) {
        let is_adopted = self.state == DeliveryState::Held || self.is_overdue(now);
        let holder = Holder::of(message, receive);
        let Some(index) = self.runs.iter().position(|run| run.id == message.run) else {
            let run = Run::begin(message.run.clone(), began_at, holder);
            // Overlapping attempts may be recorded in any order.
            let is_before = |run: &Run| run.id.is_events_own() || run.began_at <= began_at;
            let before = self.runs.iter().rposition(is_before).filter(|_| !message.run.is_events_own());
            let index = before.map_or(0, |before| before + 1);
            self.runs.insert(index, run);
            let is_latest = index + 1 == self.runs.len();
            self.runs.drain(..self.runs.len().saturating_sub(RUNS_KEPT));
            return (true, is_latest);
        };
        let is_latest = index + 1 == self.runs.len();
        let run = &mut self.runs[index];
        // A message that gets a dead run's last attempt adopts the run.
        let is_holder = is_adopted || run.end == Some(RunEnd::Dead) || run.holder.admits(message, receive);
        if is_holder {
            run.adopt(holder);
        }
        (is_holder, is_latest)
    }

    fn end_of(&self, message: &DeliveryMessage<'_>) -> Option<RunEnd> {
        self.runs.iter().find(|run| run.id == message.run)?.end
    }

    /// Takes the envelope of the message: the record shows what its attempts send.
    fn take_event_of(&mut self, message: &DeliveryMessage<'_>) {
        let (digest, page) = (self.envelope.payload_digest.take(), self.envelope.payload_page.take());
        self.envelope = message.envelope.clone();
        if self.envelope.payload_digest.is_none() {
            (self.envelope.payload_digest, self.envelope.payload_page) = (digest, page);
        }
    }

    fn push(&mut self, message: &DeliveryMessage<'_>, attempt: Attempt) {
        let before = self.attempts.iter().rev().find(|attempt| attempt.run == message.run);
        let number = before.map_or(1, |attempt| attempt.number + 1);
        self.attempts.push(AttemptRecord {
            run: message.run.clone(),
            number,
            at: attempt.at,
            status: attempt.status,
            error: attempt.failure().map(ToString::to_string),
            code: attempt.failure().map(|failure| failure.code().to_owned()),
            latency_ms: attempt.latency_ms(),
            address: attempt.address,
        });
        let excess = self.attempts.len().saturating_sub(ATTEMPTS_KEPT);
        self.attempts.drain(..excess);
        self.attempt_count += 1;
    }

    /// Shows an attempt as the delivery's last.
    fn show(&mut self, attempt: &Attempt) {
        self.request.clone_from(&attempt.request);
        self.response.clone_from(&attempt.response);
        let details = attempt.details.as_ref();
        self.details = details.map(|details| details.chars().take(DETAILS_LIMIT).collect());
    }
}
