//! Failure runs: how long all attempts of a webhook have failed.
//!
//! A webhook with a long failure run is disabled. Two conditions must hold: five days without a
//! success, and 20 failed attempts. A shop in which little happens needs the second one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long all attempts of a webhook must have failed before it is disabled.
pub const DISABLED_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);

/// How many attempts must have failed before a webhook is disabled.
pub const DISABLED_AFTER_ATTEMPTS: u64 = 20;

/// The failed attempts of a webhook since its last success, or since its last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRun {
    /// When the first of them failed.
    pub since: Timestamp,
    /// How many there are.
    pub attempts: u64,
}

/// How long before the disabling the app is warned.
pub const WARNED_BEFORE: SignedDuration = SignedDuration::from_hours(24);

impl FailureRun {
    /// When the webhook is disabled, if nothing arrives until then.
    pub fn disables_at(&self) -> Timestamp {
        self.since.saturating_add(DISABLED_AFTER).unwrap_or(Timestamp::MAX)
    }

    /// Whether the webhook will be disabled within a day.
    pub fn is_nearly_too_long(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) >= DISABLED_AFTER - WARNED_BEFORE
    }

    /// Whether the webhook must be disabled now.
    pub fn is_too_long(&self, now: Timestamp) -> bool {
        self.attempts >= DISABLED_AFTER_ATTEMPTS && now.duration_since(self.since) >= DISABLED_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_five_days_and_twenty_attempts_is_too_long() {
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
