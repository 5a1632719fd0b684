//! The steps of the recovery, as the fan-out function makes them.

use storehook_domain::{
    history::query::DeliveryPosition,
    job::{
        recovery::{
            Phase, Recovery,
            noting::AfterPass,
            pass::{CatchUp, PassCounts, PassOutcome},
            probe::Opening,
        },
        turn::Turn,
    },
};

use crate::{
    kinds::StepEnd,
    system::{RECOVERY, StepMessage, System, id_of},
};

impl System {
    /// The message of a step is received, if it is due.
    pub(crate) fn step(&mut self, which: usize, end: StepEnd) {
        let Some(index) = which.checked_rem(self.steps.len()) else { return };
        if self.steps[index].due > self.now {
            return;
        }
        let message = self.steps.remove(index);
        let is_noted = self.make(&message, end);
        if is_noted && end != StepEnd::IsLost {
            let recovery = self.recovery.clone();
            let is_next =
                |recovery: &Recovery| recovery.turn(&message.step, &message.id, self.now) == Turn::QueueNext;
            if let Some(recovery) = recovery.filter(is_next) {
                self.begin_step(recovery);
            }
        }
        if matches!(end, StepEnd::DiesBeforeNote | StepEnd::DiesAtLast) {
            self.steps.push(message);
        }
    }

    /// Makes a step if it is its turn. Returns whether the function goes on.
    fn make(&mut self, message: &StepMessage, end: StepEnd) -> bool {
        let StepMessage { id, step, .. } = message;
        let Some(recovery) = self.recovery.clone() else { return true };
        if recovery.turn(step, id, self.now) != Turn::Make {
            return true;
        }
        let noted = match &recovery.phase {
            Phase::Open(opening) => {
                let probe = self.send_probe(&recovery, opening).map(id_of);
                recovery.after_probe(step, id, probe.as_ref(), self.now, &RECOVERY).map(Some)
            }
            Phase::CatchUp(catch_up) => {
                let outcome = self.send_held(&recovery, catch_up);
                match recovery.after_pass_step(step, id, &outcome, self.now, &RECOVERY) {
                    Some(AfterPass::Goes(noted)) => Some(Some(*noted)),
                    Some(AfterPass::Done) => Some(None),
                    None => None,
                }
            }
        };
        if end == StepEnd::DiesBeforeNote {
            return false;
        }
        if let Some(noted) = noted {
            self.recovery = noted;
        }
        true
    }

    /// Sends the newest held delivery that is none of the latest probes; else the earliest of these.
    fn send_probe(&mut self, recovery: &Recovery, opening: &Opening) -> Option<usize> {
        let probed = |number: &usize| opening.probed.iter().position(|probed| *probed == id_of(*number));
        let seen = self.held.iter().filter(|(_, created_at)| **created_at >= recovery.from);
        let number = seen.map(|(number, _)| *number).max_by_key(|number| match probed(number) {
            None => (1, *number),
            Some(place) => (0, usize::MAX - place),
        })?;
        self.queue.push((number, recovery.next_probe(opening)));
        Some(number)
    }

    /// Sends what is held, the oldest first, as far as the step may.
    fn send_held(&mut self, recovery: &Recovery, catch_up: &CatchUp) -> PassOutcome {
        let size = catch_up.step_size(self.waiting(), self.now, &RECOVERY);
        let after = catch_up.pass.after.clone();
        if size == 0 {
            return PassOutcome { next: after, is_full: true, ..PassOutcome::default() };
        }
        let window = recovery.from..=catch_up.pass.began_at;
        let mut seen: Vec<_> = self
            .held
            .iter()
            .filter(|(_, created_at)| window.contains(created_at))
            .map(|(number, created_at)| {
                (DeliveryPosition::of(*created_at, &id_of(*number)), *number, *created_at)
            })
            .filter(|(position, _, _)| after.as_ref().is_none_or(|after| position > after))
            .collect();
        seen.sort();
        let oldest = seen.first().map(|(_, _, created_at)| *created_at);
        let mut outcome = PassOutcome { oldest, ..PassOutcome::default() };
        for (position, number, _) in seen {
            if outcome.counts.sent == size {
                return outcome;
            }
            self.queue.push((number, recovery.catch_up_run()));
            outcome.counts = outcome.counts.plus(PassCounts { held: 1, sent: 1, waiting: 0 });
            outcome.next = Some(position);
        }
        PassOutcome { next: None, ..outcome }
    }

    /// The message of a step comes twice.
    pub(crate) fn copy_step(&mut self, which: usize, is_new: bool) {
        let Some(index) = which.checked_rem(self.steps.len()) else { return };
        let mut copy = self.steps[index].clone();
        if is_new {
            copy.id.push('c');
        }
        self.steps.push(copy);
    }

    pub(crate) fn lose_step(&mut self, which: usize) {
        if let Some(index) = which.checked_rem(self.steps.len()) {
            self.steps.swap_remove(index);
        }
    }
}
