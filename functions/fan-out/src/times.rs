//! The time that an invocation has.

use std::time::Duration;

use jiff::Timestamp;

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
}

impl Times {
    /// Whether there is no time left to start a call.
    pub(crate) fn are_up(self) -> bool {
        storehook_aws::now().duration_until(self.deadline) < RESERVE.try_into().unwrap_or_default()
    }
}
