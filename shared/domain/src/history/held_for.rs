//! Why a delivery is held.

use serde::{Deserialize, Serialize};

use crate::webhook::Status;

/// Why a delivery is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldFor {
    /// Its webhook was paused when it was due. Its owner replays it.
    Paused,
    /// Its webhook was disabled when it was due. Its owner replays it.
    Disabled,
    /// Its webhook's endpoint is failing. It comes back by itself (`job/recovery`).
    Failing,
}

impl HeldFor {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Paused, Self::Disabled, Self::Failing];

    /// Why a webhook with this status holds its deliveries; `None` if it does not.
    pub fn of(status: Status) -> Option<Self> {
        match status {
            Status::Active => None,
            Status::Paused => Some(Self::Paused),
            Status::Disabled => Some(Self::Disabled),
        }
    }

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Failing => "failing",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_stored_under_its_name_in_the_api() {
        for (reason, status) in [
            (HeldFor::Paused, Some(Status::Paused)),
            (HeldFor::Disabled, Some(Status::Disabled)),
            (HeldFor::Failing, None),
        ] {
            assert_eq!(serde_json::to_value(reason).ok(), Some(reason.as_str().into()));
            assert!(status.is_none_or(|status| HeldFor::of(status) == Some(reason)), "{reason:?}");
        }
        assert_eq!(HeldFor::of(Status::Active), None);
    }
}
