//! Why a received message was not attempted. The reason, or the attempt, gives the receive its name
//! in the log and its state in the history.

use storehook_domain::{
    delivery::outcome::Outcome,
    history::{attempt::Attempt, held_for::HeldFor, record::admission::Admission, state::DeliveryState},
};

use crate::lookup::found::TargetError;

/// Why a receive made no attempt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Skipped {
    #[error("the delivery is past its schedule")]
    Exhausted,
    #[error("it was delivered before")]
    Duplicate,
    #[error("another message makes the attempts of its run, or a later run has begun")]
    Superseded,
    #[error("its next attempt is not due yet")]
    Early,
    #[error("the webhook or its installation was deleted, or the app uninstalled")]
    Cancelled,
    #[error("the webhook is {}", .0.as_str())]
    Held(HeldFor),
    #[error("the webhook and its installation could not be loaded")]
    Target(#[from] TargetError),
}

impl Skipped {
    /// The reason that an admission gives; `None` if it admits the message to an attempt.
    pub(crate) fn by(admission: Admission) -> Option<Self> {
        match admission {
            Admission::Attempt | Admission::LastAttempt => None,
            Admission::Wait(_) => Some(Self::Early),
            Admission::Exhausted => Some(Self::Exhausted),
            Admission::Delivered => Some(Self::Duplicate),
            Admission::Superseded => Some(Self::Superseded),
        }
    }

    /// The state that the delivery gets; `None` if the reason says nothing about the delivery. A
    /// held delivery is recorded before its message ends, not after.
    pub(crate) fn state(&self) -> Option<DeliveryState> {
        match self {
            Self::Cancelled => Some(DeliveryState::Cancelled),
            Self::Exhausted
            | Self::Duplicate
            | Self::Superseded
            | Self::Early
            | Self::Held(_)
            | Self::Target(_) => None,
        }
    }

    /// Whether the message ends.
    pub(crate) fn ends_message(&self) -> bool {
        match self {
            Self::Duplicate | Self::Superseded | Self::Cancelled | Self::Held(_) => true,
            Self::Exhausted | Self::Early | Self::Target(_) => false,
        }
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
        Err(Skipped::Early) => "early",
        Err(Skipped::Cancelled) => "cancelled",
        Err(Skipped::Held(_)) => "held",
        Err(Skipped::Target(_)) => "not attempted",
    }
}
