//! The time that an invocation has.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use storehook_domain::job::STEP_TIME;

/// How long before its deadline the function stops starting calls. It is longer than a call takes: 2 s
/// directly, and then up to [`CALL_TIMEOUT`](storehook_aws::CALL_TIMEOUT) by the SDK. Work that further
/// calls follow stops earlier.
pub const RESERVE: Duration = Duration::from_secs(10);

/// After this time Lambda ends an invocation: `Timeout` in the template. A test compares the two.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(60);

/// When an invocation began, and when it must end.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When it began. Deliveries count as queued at this time.
    pub now: Timestamp,
    /// When Lambda ends the invocation, by the same clock.
    pub deadline: Timestamp,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

impl Times {
    /// The times of an invocation that begins now, by its own clock alone. Lambda tells its deadline by
    /// another clock. If the environment's were a minute ahead of that, no invocation would ever have
    /// time for anything, and the shard would stand still.
    pub fn of_invocation(clock: fn() -> Timestamp) -> Self {
        let now = clock();
        Self { now, deadline: now.saturating_add(FUNCTION_TIMEOUT).unwrap_or(Timestamp::MAX), clock }
    }

    /// The times of an invocation that begins now and must end earlier or later than usual.
    #[cfg(test)]
    pub(crate) fn begin(clock: fn() -> Timestamp, deadline: Timestamp) -> Self {
        Self { now: clock(), deadline, clock }
    }

    /// The same times with an earlier deadline, for work that other calls follow.
    pub(crate) fn ending_before(self, rest: Duration) -> Self {
        Self { deadline: self.deadline.saturating_sub(rest).unwrap_or(Timestamp::MIN), ..self }
    }

    /// Whether there is no time left to start a call.
    pub(crate) fn are_up(self) -> bool {
        (self.clock)().duration_until(self.deadline) < RESERVE.try_into().unwrap_or_default()
    }

    /// Whether a step of a job must end: its time is up, or the invocation's is.
    pub(crate) fn are_up_for_step(self) -> bool {
        self.elapsed() >= STEP_TIME || self.are_up()
    }

    /// How long the invocation has worked.
    pub(crate) fn elapsed(self) -> SignedDuration {
        (self.clock)().duration_since(self.now)
    }
}
