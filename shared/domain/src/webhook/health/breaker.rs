//! The breaker: when the deliveries of a webhook are no longer attempted.
//!
//! A breaker opens after [`BreakerRules::failures`] failed attempts in a row that span at least a
//! minute, or after [`AT_ONCE`] in a row in any time. The first condition spares an endpoint that
//! restarts; the second one limits the cost of a dead endpoint with many events. An endpoint that
//! fails now and then meets neither condition, because each success ends the failure run.

use jiff::{SignedDuration, Timestamp};

use crate::webhook::health::failure_run::FailureRun;

/// After how many failed attempts in a row a breaker opens, unless the operator sets another
/// number.
pub const DEFAULT_FAILURES: u64 = 100;

/// After how many failed attempts in a row a breaker opens, however quickly they failed.
pub const AT_ONCE: u64 = 1_000;

/// The time that the failed attempts must span, in seconds.
const SPAN: f64 = 60.0;

/// When breakers open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerRules {
    /// After how many failed attempts in a row. 0 means never.
    pub failures: u64,
    /// The factor of all waits, as in the retry schedule.
    pub time_scale: f64,
}

impl BreakerRules {
    /// Whether breakers open at all.
    pub fn is_on(&self) -> bool {
        self.failures > 0
    }

    /// Whether a webhook with this failure run gets no more attempts.
    pub fn opens(&self, run: &FailureRun, now: Timestamp) -> bool {
        let spans = now.duration_since(run.since) >= self.scaled(SPAN);
        let is_long = run.attempts >= self.failures && spans || run.attempts >= AT_ONCE.max(self.failures);
        self.is_on() && is_long
    }

    fn scaled(&self, seconds: f64) -> SignedDuration {
        SignedDuration::from_millis((seconds * self.time_scale * 1_000.0) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_opens_after_a_hundred_failures_in_a_minute_or_a_thousand_at_once() {
        for (failures, time_scale, attempts, seconds, opens) in [
            (100, 1.0, 100, 60, true),
            (100, 1.0, 99, 3_600, false),
            (100, 1.0, 999, 59, false),
            (100, 1.0, 1_000, 0, true),
            (100, 0.1, 100, 6, true),
            (100, 0.1, 100, 5, false),
            (5_000, 1.0, 1_000, 3_600, false),
            (5_000, 1.0, 5_000, 0, true),
            (1, 1.0, 1, 60, true),
            (0, 1.0, 1_000_000, 3_600, false),
        ] {
            let rules = BreakerRules { failures, time_scale };
            let run = FailureRun { since: Timestamp::UNIX_EPOCH, attempts };
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
            assert_eq!(rules.opens(&run, now), opens, "{rules:?}, {attempts} attempts in {seconds} s");
        }
    }
}
