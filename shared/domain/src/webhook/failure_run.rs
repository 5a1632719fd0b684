//! Failure runs: how long a webhook has done nothing but fail, and when that is too long.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a webhook may do nothing but fail before it is disabled.
pub const DISABLED_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);

/// How many attempts must have failed by then: a shop in which little happens is given its time.
pub const DISABLED_AFTER_ATTEMPTS: u64 = 20;

/// The failed attempts of a webhook since its last success, or since it was last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRun {
    /// When the first of them failed.
    pub since: Timestamp,
    /// How many there are.
    pub attempts: u64,
}

impl FailureRun {
    /// Whether the webhook is to be disabled now.
    pub fn is_too_long(&self, now: Timestamp) -> bool {
        self.attempts >= DISABLED_AFTER_ATTEMPTS && now.duration_since(self.since) >= DISABLED_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_days_and_twenty_attempts_of_nothing_but_failure_are_too_long() {
        let five_days = 5 * 24 * 60 * 60;
        for (seconds, attempts, is_too_long) in [
            (five_days, 20, true),
            (five_days, 1_000, true),
            (five_days * 10, 20, true),
            (five_days - 1, 20, false),
            (five_days - 1, 1_000_000, false),
            (five_days, 19, false),
            (five_days * 10, 19, false),
            (-1, 20, false),
        ] {
            let run = FailureRun { since: Timestamp::UNIX_EPOCH, attempts };
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
            assert_eq!(run.is_too_long(now), is_too_long, "{seconds} s, {attempts} attempts");
        }
    }
}
