//! Recoveries: how what was held for a failing endpoint comes back by itself.
//!
//! Who takes part: the delivery function opens a webhook's breaker, holds its deliveries and begins
//! a recovery. The fan-out function makes the recovery's steps, which are jobs. The recovery is kept
//! beside the webhook, in the registry: everybody who attempts reads it anyway.
//!
//! A recovery has two phases:
//!
//! * **Open.** The breaker is open. After 1, 2, 4, 8 and then every 15 minutes, a step sends one held
//!   delivery as a [probe](probe). The endpoint takes one: the delivery function closes the breaker.
//! * **Catching up.** Steps send what is held, the oldest first, at a rate that doubles every minute,
//!   in [passes](pass). So they do, too, for a webhook that holds because too many of its deliveries
//!   wait for a retry: as places come free.
//!
//! Promises: a recovery goes on as long as anything is held for `failing`, so nothing that is held
//! needs a call. It ends when two passes that are [`QUIET`] apart find nothing: whoever read that the
//! recovery was there has then held what it was about to hold. A step that is made twice sends
//! deliveries twice, and the delivery function makes one run's attempts of them.
//!
//! What can go wrong: a step's message is lost. Its due time passes, and the next receive for the
//! webhook or the schedule of the fan-out function [starts](Recovery::restarted) the recovery again.
//! Two chains become one as in a replay: only one message can note a step.

pub mod endpoint_health;
pub mod hold;
pub mod pass;
pub mod probe;
pub mod step;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    job::recovery::{pass::CatchUp, probe::Opening, step::RecoveryStep},
    webhook::{WebhookKey, health::failure_run::FailureRun},
};

/// How many of a webhook's deliveries may wait for a retry, unless the operator sets another number.
pub const DEFAULT_WAITING_LIMIT: u64 = 2_000;

/// How far apart two passes are that find nothing before a recovery ends. It is longer than the
/// delivery function's time limit of a minute, and real time whatever the time scale is.
pub const QUIET: SignedDuration = SignedDuration::from_mins(2);

/// How long after its due time a step counts as lost.
const OVERDUE: f64 = 60.0;

/// How old a delivery may be when its attempt fails, as a rule: the schedule's 48 hours. An older one
/// that is held moves [`Recovery::from`].
const OLDEST: f64 = 48.0 * 60.0 * 60.0;

/// The longest pause before a step: the longest delay of an SQS message.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// The operator's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecoveryRules {
    /// How many of a webhook's deliveries may wait for a retry. 0 means any number.
    pub waiting_limit: u64,
    /// How many deliveries a catch-up sends a second at most.
    pub most_per_second: u32,
    /// The factor of all waits, as in the retry schedule.
    pub time_scale: f64,
}

/// The recovery of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Names the opening of the breaker, or the begin of the recovery if no breaker opened. The runs
    /// that it sends are named after it.
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

    /// The recovery of a webhook with too many deliveries that wait, one of which is to be held: it
    /// was first queued at `created_at`.
    pub fn overflowing(created_at: Timestamp, now: Timestamp, rules: &RecoveryRules) -> Self {
        Self {
            opening: name_of(now, None),
            phase: Phase::CatchUp(CatchUp::begin(now)),
            from: created_at.min(ago(now, rules.scaled(OLDEST))),
            steps: 0,
            noted_by: None,
            due_at: Some(after(now, pass::pause_before(0, rules))),
        }
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
        let phase = Phase::CatchUp(CatchUp::begin(now));
        self.is_open().then(|| Self { phase, due_at: Some(now), ..self.clone() })
    }

    /// The recovery after a delivery was held for `failing`, which was first queued at `created_at`.
    /// `None` if that is nothing new.
    pub fn with_held(&self, created_at: Timestamp) -> Option<Self> {
        let mut after = Self { from: self.from.min(created_at), ..self.clone() };
        if let Phase::CatchUp(catch_up) = &mut after.phase {
            catch_up.quiet_since = None;
        }
        (after != *self).then_some(after)
    }

    /// Whether its next step is so late that its message must be lost.
    pub fn is_overdue(&self, now: Timestamp, rules: &RecoveryRules) -> bool {
        self.due_at.is_some_and(|due| now.duration_since(due) >= rules.scaled(OVERDUE))
    }

    /// The recovery with its next step due now.
    pub fn restarted(&self, now: Timestamp) -> Self {
        Self { due_at: Some(now), ..self.clone() }
    }

    /// The recovery of a webhook that takes nothing for the time being: it has no next step.
    pub fn parked(&self, step: &RecoveryStep, message_id: &str) -> Self {
        Self { due_at: None, ..self.noted(step, message_id) }
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

    fn noted(&self, step: &RecoveryStep, message_id: &str) -> Self {
        Self { steps: step.number, noted_by: Some(message_id.to_owned()), ..self.clone() }
    }
}

impl RecoveryRules {
    /// Seconds of the schedule as they pass.
    fn scaled(&self, seconds: f64) -> SignedDuration {
        SignedDuration::from_millis((seconds * self.time_scale * 1_000.0) as i64)
    }
}

/// A name that no earlier opening of the webhook has.
fn name_of(now: Timestamp, before: Option<&Recovery>) -> String {
    let last = before.and_then(|before| before.opening.parse::<i64>().ok()).unwrap_or(0);
    now.as_millisecond().max(last + 1).to_string()
}

fn after(time: Timestamp, wait: SignedDuration) -> Timestamp {
    time.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

fn ago(time: Timestamp, wait: SignedDuration) -> Timestamp {
    time.saturating_sub(wait).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests;
