//! Noting: what a recovery is after a step. One message makes the step and notes it.

use jiff::{SignedDuration, Timestamp};

use crate::{
    delivery::id::DeliveryId,
    job::recovery::{
        pass::{CatchUp, Pass, PassOutcome, pause_after, pause_between, pause_when_full},
        probe::{Opening, PROBED_KEPT, gap},
        record::{Phase, Recovery},
        rules::{OLDEST, QUIET, RecoveryRules, after, ago},
        step::RecoveryStep,
    },
};

/// What follows a step of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterPass {
    /// The recovery goes on.
    Goes(Box<Recovery>),
    /// Nothing is held any more: the recovery is done.
    Done,
}

impl Recovery {
    /// The recovery of a webhook that takes nothing for the time being: it has no next step.
    pub fn parked(&self, step: &RecoveryStep, message_id: &str) -> Self {
        Self { due_at: None, ..self.noted(step, message_id) }
    }

    /// The recovery after a step that sent this delivery as a probe, or found none that is held.
    ///
    /// If nothing is held, only the next delivery can find out whether the endpoint works, so the
    /// breaker closes. The failure run goes on, so one more failure opens the breaker again.
    ///
    /// `None` if another message made the step.
    pub fn after_probe(
        &self,
        step: &RecoveryStep,
        message_id: &str,
        sent: Option<&DeliveryId>,
        now: Timestamp,
        rules: &RecoveryRules,
    ) -> Option<Self> {
        if !self.is_next(step) {
            return None;
        }
        let noted = self.noted(step, message_id);
        let Phase::Open(opening) = &self.phase else {
            // It was closed meanwhile, perhaps by this very probe.
            return Some(Self { due_at: Some(now), ..noted });
        };
        let Some(id) = sent else {
            return Some(Self {
                phase: Phase::CatchUp(CatchUp::begin(now, self.from)),
                due_at: Some(now),
                ..noted
            });
        };
        let mut probed = opening.probed.clone();
        probed.retain(|earlier| earlier != id);
        probed.push(id.clone());
        probed.drain(..probed.len().saturating_sub(PROBED_KEPT));
        let probes = opening.probes.saturating_add(1);
        let due_at = Some(after(now, gap(probes, rules)));
        Some(Self { phase: Phase::Open(Opening { probes, probed, ..opening.clone() }), due_at, ..noted })
    }

    /// What follows a step of a pass; `None` if another message made the step.
    pub fn after_pass_step(
        &self,
        step: &RecoveryStep,
        message_id: &str,
        outcome: &PassOutcome,
        now: Timestamp,
        rules: &RecoveryRules,
    ) -> Option<AfterPass> {
        if !self.is_next(step) {
            return None;
        }
        let noted = self.noted(step, message_id);
        let Phase::CatchUp(catch_up) = &self.phase else {
            // The breaker has opened again.
            return Some(AfterPass::Goes(Box::new(noted)));
        };
        let mut catch_up = catch_up.clone();
        catch_up.pass.counts = catch_up.pass.counts.plus(outcome.counts);
        catch_up.pass.see(outcome.oldest);
        let mut from = self.from;
        if outcome.next.is_none() && !outcome.is_full {
            from = self.begin_after(&catch_up.pass, rules);
        }
        let wait = match (&outcome.next, catch_up.quiet_since) {
            _ if outcome.is_full => pause_when_full(rules),
            (Some(next), _) => {
                catch_up.pass.after = Some(next.clone());
                pause_after(outcome, catch_up.rate(now, rules))
            }
            (None, _) if catch_up.pass.counts.held > 0 => {
                let wait = pause_between(catch_up.passes, rules);
                catch_up.passes = catch_up.passes.saturating_add(1);
                catch_up.quiet_since = None;
                catch_up.pass = Pass::begin(after(now, wait), from);
                wait
            }
            (None, Some(since)) if now.duration_since(since) >= QUIET => return Some(AfterPass::Done),
            (None, since) => {
                let since = since.unwrap_or(now);
                let wait = (QUIET - now.duration_since(since)).max(SignedDuration::ZERO);
                catch_up.quiet_since = Some(since);
                catch_up.pass = Pass::begin(after(now, wait), from);
                wait
            }
        };
        let due_at = Some(after(now, wait));
        Some(AfterPass::Goes(Box::new(Self { phase: Phase::CatchUp(catch_up), from, due_at, ..noted })))
    }

    /// Where the next pass begins: at the oldest delivery that it must see, and never within the time
    /// in which deliveries may still come to be held.
    fn begin_after(&self, pass: &Pass, rules: &RecoveryRules) -> Timestamp {
        if self.from < pass.from {
            // An older delivery was held meanwhile.
            return self.from;
        }
        let latest = ago(pass.began_at, rules.scaled(OLDEST));
        self.from.max(pass.oldest.map_or(latest, |oldest| oldest.min(latest)))
    }

    fn noted(&self, step: &RecoveryStep, message_id: &str) -> Self {
        Self { steps: step.number, noted_by: Some(message_id.to_owned()), ..self.clone() }
    }
}
