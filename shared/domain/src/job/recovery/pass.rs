//! Passes: steps that go once through the deliveries of a webhook and send what is held.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{history::query::DeliveryPosition, job::recovery::rules::RecoveryRules};

/// How many deliveries a catch-up sends a second in its first minute. The rate doubles each minute.
const FIRST_RATE: u32 = 10;

/// How many deliveries a catch-up sends a second at most, unless the operator sets another number.
pub const DEFAULT_MOST_PER_SECOND: u32 = 100;

/// A step sends what the rate allows in this time, in seconds.
const PACE: u32 = 5;

/// The waits between passes that found something, in minutes; the last one repeats. A pass sends
/// again what an earlier pass sent and nobody has attempted yet, so passes do not follow each other
/// at once.
const PAUSES: [u64; 5] = [1, 2, 4, 8, 15];

/// The shortest wait between two passes, whatever the time scale: SQS and the delivery function take
/// the same time for a message, however much its retries are compressed.
const SHORTEST_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// A catch-up: passes until nothing is held any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatchUp {
    /// When it began.
    pub began_at: Timestamp,
    /// The pass that is under way.
    pub pass: Pass,
    /// How many passes are done.
    pub passes: u32,
    /// When the last pass ended, if it found nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_since: Option<Timestamp>,
}

/// A pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// When it began.
    pub began_at: Timestamp,
    /// The delivery after which its next step begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeliveryPosition>,
    /// What its steps counted.
    #[serde(flatten)]
    pub counts: PassCounts,
    /// Where the recovery began when the pass did.
    pub from: Timestamp,
    /// When the oldest delivery was queued that the pass has seen, or that was held meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Timestamp>,
}

/// What a pass counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassCounts {
    /// How many deliveries are held for `failing`.
    pub held: u64,
    /// How many of them were sent.
    pub sent: u64,
    /// How many deliveries wait for a retry.
    pub waiting: u64,
}

/// The outcome of a step of a pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassOutcome {
    /// What it counted.
    pub counts: PassCounts,
    /// The delivery after which the next step begins; `None` at the end of the pass.
    pub next: Option<DeliveryPosition>,
    /// How long the step took.
    pub took: SignedDuration,
    /// When the oldest delivery that is held or waits was queued, of those that it saw.
    pub oldest: Option<Timestamp>,
    /// Whether all places were taken, so that it did nothing.
    pub is_full: bool,
}

/// The pause after a step that found all places taken, in seconds.
const FULL_PAUSE: f64 = 60.0;

/// The number of deliveries that wait, as it is written after a step that found all places taken.
///
/// The number is an estimate. If it is too high, nothing would ever be sent. So it shrinks by a
/// fiftieth of the limit each minute until the end of a pass, which counts.
pub fn shrunk(waiting: u64, rules: &RecoveryRules) -> u64 {
    waiting.saturating_sub((rules.waiting_limit / 50).max(1))
}

pub(super) fn pause_when_full(rules: &RecoveryRules) -> SignedDuration {
    rules.scaled(FULL_PAUSE)
}

/// The wait before the first pass of a recovery that no breaker began.
pub(super) fn pause_at_first(rules: &RecoveryRules) -> SignedDuration {
    rules.scaled((PAUSES[0] * 60) as f64)
}

/// The wait after a pass that found something; `passes` of them came before it.
pub(super) fn pause_between(passes: u32, rules: &RecoveryRules) -> SignedDuration {
    let index = usize::try_from(passes).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    rules.scaled((PAUSES[index] * 60) as f64).max(SHORTEST_PAUSE)
}

impl PassCounts {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            held: self.held + other.held,
            sent: self.sent + other.sent,
            waiting: self.waiting + other.waiting,
        }
    }
}

impl CatchUp {
    pub(super) fn begin(now: Timestamp, from: Timestamp) -> Self {
        Self { began_at: now, pass: Pass::begin(now, from), passes: 0, quiet_since: None }
    }

    /// How many deliveries it sends a second now.
    pub fn rate(&self, now: Timestamp, rules: &RecoveryRules) -> u32 {
        let minute = rules.scaled(60.0).as_millis().max(1);
        let minutes = (now.duration_since(self.began_at).as_millis() / minute).clamp(0, 30);
        let doubled = u64::from(FIRST_RATE) << minutes;
        u32::try_from(doubled).unwrap_or(u32::MAX).min(rules.most_per_second.max(1))
    }

    /// How many deliveries a step sends at most. `waiting` is how many of the webhook's deliveries wait
    /// for a retry.
    pub fn step_size(&self, waiting: u64, now: Timestamp, rules: &RecoveryRules) -> u64 {
        let by_rate = u64::from(self.rate(now, rules)) * u64::from(PACE);
        match rules.waiting_limit {
            0 => by_rate,
            limit => by_rate.min(limit.saturating_sub(waiting)),
        }
    }
}

impl Pass {
    pub(super) fn begin(now: Timestamp, from: Timestamp) -> Self {
        Self { began_at: now, after: None, counts: PassCounts::default(), from, oldest: None }
    }

    /// Notes a delivery that the next pass must still see.
    pub(super) fn see(&mut self, oldest: Option<Timestamp>) {
        self.oldest = [self.oldest, oldest].into_iter().flatten().min();
    }
}

/// The pause after a step, so that the catch-up keeps its rate.
pub(super) fn pause_after(outcome: &PassOutcome, rate: u32) -> SignedDuration {
    let due = Duration::from_millis(outcome.counts.sent.saturating_mul(1_000) / u64::from(rate.max(1)));
    let due = SignedDuration::try_from(due).unwrap_or_default();
    // Even a step that sends nothing leaves time to other jobs.
    (due - outcome.took).max(SignedDuration::from_secs(1))
}
