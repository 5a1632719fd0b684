//! One step of a replay: as many deliveries as its pace gives in five seconds, in a bounded time.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{history::query::DeliveryPosition, job::replay::Replay};

/// The time of which a step sends the deliveries. Shorter steps are more even, and cost more.
const PACE: u32 = 5;

/// The longest pause: the longest delay of an SQS message.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// A step that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayStep {
    /// The replay.
    pub replay: Replay,
    /// Which step it is, from 1.
    pub number: u32,
    /// The delivery after which it begins; `None` at the beginning of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeliveryPosition>,
}

/// What a step came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepOutcome {
    /// What it counted.
    pub counts: Counts,
    /// The delivery after which the next step begins; `None` at the end of the window.
    pub next: Option<DeliveryPosition>,
    /// How long it worked.
    pub took: SignedDuration,
}

/// How many deliveries were dealt with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// How many the replay includes.
    pub found: u64,
    /// How many of them were sent.
    pub sent: u64,
    /// How many of them could not be sent because their payload is no longer kept.
    pub expired: u64,
}

impl Counts {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            found: self.found.saturating_add(other.found),
            sent: self.sent.saturating_add(other.sent),
            expired: self.expired.saturating_add(other.expired),
        }
    }
}

impl ReplayStep {
    /// How many deliveries the step sends at most.
    pub fn size(&self) -> u64 {
        u64::from(self.replay.per_second.saturating_mul(PACE))
    }
}

impl StepOutcome {
    /// The pause before the next step, in whole seconds, so that the replay keeps its pace.
    pub fn pause(&self, per_second: u32) -> Duration {
        let due =
            Duration::from_millis(self.counts.sent.saturating_mul(1_000) / u64::from(per_second.max(1)));
        let took = Duration::try_from(self.took).unwrap_or_default();
        let pause = due.saturating_sub(took).as_millis().div_ceil(1_000);
        Duration::from_secs(pause.try_into().unwrap_or(u64::MAX)).min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_keeps_the_pace() {
        for (sent, took, per_second, pause) in [
            (250, 1_000, 50, 4),
            (250, 1_001, 50, 4),
            (250, 5_000, 50, 0),
            (250, 20_000, 50, 0),
            (5, 10, 1, 5),
            (0, 20_000, 50, 0),
            (u64::MAX, 0, 1, 900),
            (7, 0, 0, 7),
        ] {
            let counts = Counts { sent, ..Counts::default() };
            let took = SignedDuration::from_millis(took);
            let outcome = StepOutcome { counts, took, next: None };
            assert_eq!(outcome.pause(per_second), Duration::from_secs(pause), "{sent} {took:?} {per_second}");
        }
    }
}
