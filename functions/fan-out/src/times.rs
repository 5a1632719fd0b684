//! The time that an invocation has.

use std::time::Duration;

use jiff::Timestamp;

/// How long before the function's deadline it stops to send: longer than one call can take.
pub const RESERVE: Duration = Duration::from_secs(10);

/// When an invocation began, and when it must have ended.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Now: deliveries are queued at this time.
    pub now: Timestamp,
    /// When Lambda ends the invocation.
    pub deadline: Timestamp,
}

impl Times {
    /// Whether nothing more is to be begun.
    pub(crate) fn are_up(self) -> bool {
        storehook_aws::now().duration_until(self.deadline) < RESERVE.try_into().unwrap_or_default()
    }
}
