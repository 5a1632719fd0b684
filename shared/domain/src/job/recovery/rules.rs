//! The operator's settings of recoveries, and the times that follow from them.

use jiff::{SignedDuration, Timestamp};

/// How many of a webhook's deliveries may wait for a retry, unless the operator sets another number.
pub const DEFAULT_WAITING_LIMIT: u64 = 2_000;

/// How far apart two passes must be that find nothing, before a recovery ends. The time is longer than
/// the delivery function's time limit of a minute, and the time scale does not change it.
pub const QUIET: SignedDuration = SignedDuration::from_mins(2);

/// How old a delivery usually is at most when its attempt fails: the schedule's 48 hours. If an older
/// one is held, the begin of the recovery moves back.
pub(super) const OLDEST: f64 = 48.0 * 60.0 * 60.0;

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

impl RecoveryRules {
    /// How long these seconds of the schedule really take.
    pub(super) fn scaled(&self, seconds: f64) -> SignedDuration {
        SignedDuration::from_millis((seconds * self.time_scale * 1_000.0) as i64)
    }
}

/// The time that comes this wait after another.
pub(super) fn after(time: Timestamp, wait: SignedDuration) -> Timestamp {
    time.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// The time that comes this wait before another.
pub(super) fn ago(time: Timestamp, wait: SignedDuration) -> Timestamp {
    time.saturating_sub(wait).unwrap_or(Timestamp::UNIX_EPOCH)
}
