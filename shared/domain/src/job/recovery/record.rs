//! The recovery of a webhook, as it is kept: how it begins, changes and is restarted.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::run::RunId,
    job::{
        recovery::{
            pass::{self, CatchUp},
            probe::{self, Opening},
            rules::{OLDEST, RecoveryRules, after, ago},
            step::RecoveryStep,
        },
        turn::Turn,
    },
    webhook::{WebhookKey, health::failure_run::FailureRun},
};

/// How long after its due time a step counts as lost, whatever the time scale: a step that is under
/// way takes as long as its invocation may, and to make it twice at once sends everything twice.
const OVERDUE: SignedDuration = SignedDuration::from_secs(60);

/// The longest pause before a step: the longest delay of an SQS message.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// The recovery of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// A name for the opening of the breaker, or for the begin of the recovery if no breaker opened.
    /// It is part of the names of the runs that the recovery sends.
    pub opening: String,
    /// What its steps do.
    pub phase: Phase,
    /// Nothing that is held for `failing` was queued before this time.
    pub from: Timestamp,
    /// How many steps are done.
    pub steps: u32,
    /// The SQS message that made the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted_by: Option<String>,
    /// When the next step is due; `None` while the webhook is paused or disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
}

/// What the steps of a recovery do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The breaker is open, and each step sends a probe.
    Open(Opening),
    /// Each step sends what is held.
    CatchUp(CatchUp),
}

impl Recovery {
    /// The recovery of a webhook whose breaker opens now. `before` is the one that was there.
    pub fn opened(run: &FailureRun, before: Option<&Self>, now: Timestamp, rules: &RecoveryRules) -> Self {
        let oldest = ago(run.since, rules.scaled(OLDEST));
        Self {
            opening: name_of(now, before),
            phase: Phase::Open(Opening { since: run.since, probes: 0, probed: Vec::new() }),
            from: before.map_or(oldest, |before| before.from.min(oldest)),
            steps: 0,
            noted_by: None,
            due_at: Some(after(now, probe::gap(0, rules))),
        }
    }

    /// The recovery of a webhook with too many deliveries that wait for a retry. It begins with the
    /// first one that is held, which was first queued at `created_at`.
    pub fn overflowing(created_at: Timestamp, now: Timestamp, rules: &RecoveryRules) -> Self {
        let from = created_at.min(ago(now, rules.scaled(OLDEST)));
        Self {
            opening: name_of(now, None),
            phase: Phase::CatchUp(CatchUp::begin(now, from)),
            from,
            steps: 0,
            noted_by: None,
            due_at: Some(after(now, pass::pause_at_first(rules))),
        }
    }

    /// What is to be done with a step that came as this SQS message. A step that comes too early is
    /// queued again.
    pub fn turn(&self, step: &RecoveryStep, message_id: &str, now: Timestamp) -> Turn {
        if step.opening != self.opening {
            return Turn::End;
        }
        match (Turn::of(step.number, message_id, self.steps, self.noted_by.as_deref()), self.due_at) {
            (Turn::Make, Some(due)) if due > now => Turn::QueueNext,
            (Turn::Make, None) => Turn::End,
            (turn, _) => turn,
        }
    }

    /// Whether a step is the next one: nobody has noted it yet.
    pub(super) fn is_next(&self, step: &RecoveryStep) -> bool {
        step.opening == self.opening && step.number == self.steps.saturating_add(1)
    }

    /// The run of the next probe. Each is a run of its own.
    pub fn next_probe(&self, opening: &Opening) -> RunId {
        RunId::Probe(format!("{}-{}", self.opening, opening.probes.saturating_add(1)))
    }

    /// The run of the deliveries that its catch-up sends.
    pub fn catch_up_run(&self) -> RunId {
        RunId::CatchUp(self.opening.clone())
    }

    /// Whether the breaker is open: deliveries are not attempted but held.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Since when the webhook has been failing, if its breaker is open.
    pub fn failing_since(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Open(opening) => Some(opening.since),
            Phase::CatchUp(_) => None,
        }
    }

    /// The recovery after the breaker has closed: the catch-up is due. `None` if it was not open.
    pub fn closed(&self, now: Timestamp) -> Option<Self> {
        let phase = Phase::CatchUp(CatchUp::begin(now, self.from));
        self.is_open().then(|| Self { phase, due_at: Some(now), ..self.clone() })
    }

    /// The recovery after a delivery was held for `failing`. The delivery was first queued at
    /// `created_at`. `None` if that changes nothing.
    pub fn with_held(&self, created_at: Timestamp, rules: &RecoveryRules) -> Option<Self> {
        let mut after = Self { from: self.from.min(created_at), ..self.clone() };
        if let Phase::CatchUp(catch_up) = &mut after.phase {
            catch_up.quiet_since = None;
            // The pass may be past it, and the next one begins later than it if nobody says so.
            if created_at < ago(catch_up.pass.began_at, rules.scaled(OLDEST)) {
                catch_up.pass.see(Some(created_at));
            }
        }
        (after != *self).then_some(after)
    }

    /// Whether its next step is so late that its message must be lost.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.due_at.is_some_and(|due| now.duration_since(due) >= OVERDUE)
    }

    /// The recovery with its next step due now.
    pub fn restarted(&self, now: Timestamp) -> Self {
        Self { due_at: Some(now), ..self.clone() }
    }

    /// The next step and the pause before it; `None` while the webhook takes nothing.
    pub fn next_step(&self, webhook: &WebhookKey, now: Timestamp) -> Option<(RecoveryStep, Duration)> {
        let pause = Duration::try_from(self.due_at?.duration_since(now)).unwrap_or_default();
        let step = RecoveryStep {
            webhook: webhook.clone(),
            opening: self.opening.clone(),
            number: self.steps.saturating_add(1),
        };
        // SQS takes whole seconds. Rounded up, no step comes before it is due.
        let seconds = pause.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX);
        Some((step, Duration::from_secs(seconds).min(LONGEST_PAUSE)))
    }
}

/// A name that no earlier opening of the webhook has.
fn name_of(now: Timestamp, before: Option<&Recovery>) -> String {
    let last = before.and_then(|before| before.opening.parse::<i64>().ok()).unwrap_or(0);
    now.as_millisecond().max(last + 1).to_string()
}
