//! The state of a delivery, as its record tells it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::delivery::disposition::Disposition;

/// What has become of a delivery so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It waits for an attempt, and no attempt of its latest run has failed.
    Pending,
    /// The endpoint took it.
    Delivered,
    /// An attempt failed, and another one follows.
    Retrying,
    /// It is not attempted for the time being, for one of the reasons of [`super::held_for`].
    Held,
    /// Its webhook was deleted, or its app uninstalled.
    Cancelled,
    /// Its last attempt has failed.
    Dead,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Delivered, Self::Retrying, Self::Held, Self::Cancelled, Self::Dead];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Retrying => "retrying",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }

    /// The state after an attempt of a delivery in this state, and when the next attempt is due.
    pub fn after_attempt(self, disposition: Disposition, now: Timestamp) -> (Self, Option<Timestamp>) {
        let at = |wait: Duration| Some(now.saturating_add(wait).unwrap_or(now));
        match disposition {
            Disposition::Ack => (Self::Delivered, None),
            Disposition::Hold => (Self::Held, None),
            Disposition::Retry { due_in, .. } => (Self::Retrying, at(due_in)),
            // After a failure, a delay leaves the state `retrying`.
            Disposition::Delay(wait) if self == Self::Retrying => (Self::Retrying, at(wait)),
            Disposition::Delay(wait) => (Self::Pending, at(wait)),
            Disposition::Exhausted(_) => (Self::Dead, None),
        }
    }

    /// The recorded states of deliveries that may be in a wanted state now. An overdue delivery is
    /// dead, and its record does not say so.
    pub fn recorded_for(is_wanted: impl Fn(Self) -> bool) -> impl Iterator<Item = Self> {
        let wants_dead = is_wanted(Self::Dead);
        Self::ALL.into_iter().filter(move |state| is_wanted(*state) || wants_dead && state.can_be_overdue())
    }

    /// Whether an attempt is to come, which may never come.
    pub fn can_be_overdue(self) -> bool {
        matches!(self, Self::Pending | Self::Retrying)
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_back_from_their_names() {
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::from_name(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).ok(), Some(state.as_str().into()));
        }
        assert_eq!(DeliveryState::from_name("DEAD"), None);
    }
}
