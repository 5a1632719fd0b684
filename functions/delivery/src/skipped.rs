//! Why a message that was received was not attempted; and what a receive is called, in the log and in the
//! history: both follow from the attempt or from the reason that there was none.

use std::time::Duration;

use storehook_domain::{
    delivery::{disposition::Disposition, outcome::Outcome, schedule::RetrySchedule},
    history::{attempt::Attempt, state::DeliveryState},
    webhook::Status,
};

use crate::lookup::TargetError;

/// Why a receive of a delivery made no attempt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Skipped {
    #[error("the delivery is past its schedule")]
    Exhausted,
    #[error("it has been delivered before")]
    Duplicate,
    #[error("another message makes the attempts of its series, or a later series has begun")]
    Superseded,
    #[error("the webhook or its installation was deleted, or the app uninstalled")]
    Cancelled,
    #[error("the webhook is {}", .0.as_str())]
    Held(Status),
    #[error("the webhook and its installation could not be loaded")]
    Target(#[from] TargetError),
}

impl Skipped {
    /// The state of the delivery whose message ended so; `None` where it says nothing about the delivery.
    /// What is to be held is recorded before its message ends, not after.
    pub(crate) fn state(&self) -> Option<DeliveryState> {
        match self {
            Self::Cancelled => Some(DeliveryState::Cancelled),
            Self::Exhausted => Some(DeliveryState::Dead),
            Self::Duplicate | Self::Superseded | Self::Held(_) | Self::Target(_) => None,
        }
    }
}

/// What becomes of a message of this age. `jitter` is random, from 0 to 1.
pub(crate) fn disposition(
    attempt: Result<&Attempt, &Skipped>,
    schedule: &RetrySchedule,
    age: Duration,
    jitter: f64,
) -> Disposition {
    match attempt {
        Ok(attempt) => schedule.after(&attempt.outcome, age, jitter),
        Err(Skipped::Duplicate | Skipped::Superseded | Skipped::Cancelled | Skipped::Held(_)) => {
            Disposition::Ack
        }
        Err(Skipped::Exhausted) => Disposition::Exhausted(Duration::ZERO),
        Err(Skipped::Target(_)) => schedule.next(age, None, jitter),
    }
}

/// The name of a receive in the log.
pub(crate) fn log_name(attempt: Result<&Attempt, &Skipped>) -> &'static str {
    match attempt.map(|attempt| &attempt.outcome) {
        Ok(Outcome::Delivered) => "delivered",
        Ok(Outcome::Delayed(_)) => "delayed",
        Ok(Outcome::Failed { .. }) => "failed",
        Err(Skipped::Duplicate) => "duplicate",
        Err(Skipped::Superseded) => "superseded",
        Err(Skipped::Exhausted) => "exhausted",
        Err(Skipped::Cancelled) => "cancelled",
        Err(Skipped::Held(_)) => "held",
        Err(Skipped::Target(_)) => "not attempted",
    }
}
