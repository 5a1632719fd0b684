//! The time that an invocation has.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How long before its deadline the function stops starting calls. It is longer than any call
/// takes.
pub const RESERVE: Duration = Duration::from_secs(10);

/// When an invocation began, and when it must end.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When it began. Deliveries count as queued at this time.
    pub now: Timestamp,
    /// When Lambda ends the invocation.
    pub deadline: Timestamp,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

impl Times {
    /// The times of an invocation that begins now.
    pub fn begin(clock: fn() -> Timestamp, deadline: Timestamp) -> Self {
        Self { now: clock(), deadline, clock }
    }

    /// Whether there is no time left to start a call.
    pub(crate) fn are_up(self) -> bool {
        (self.clock)().duration_until(self.deadline) < RESERVE.try_into().unwrap_or_default()
    }

    /// How long the invocation has worked.
    pub(crate) fn elapsed(self) -> SignedDuration {
        (self.clock)().duration_since(self.now)
    }
}
