//! What became of an event at a webhook, in a word.

use serde::Serialize;
use storehook_domain::history::state::DeliveryState;

/// What became of an event at a webhook, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// The endpoint took it.
    Sent,
    /// It waits for an attempt.
    Waiting,
    /// An attempt failed, and another one follows.
    Retrying,
    /// It is not attempted for the time being.
    Held,
    /// Its webhook was deleted, or its app uninstalled.
    Cancelled,
    /// Its last attempt has failed.
    Dead,
    /// It was not for this webhook.
    Filtered,
    /// Another event had its id before, with another payload.
    Duplicate,
    /// It was rejected, or its deliveries were.
    Rejected,
    /// Its fan-out failed for too long, and Lambda gave it up.
    GivenUp,
    /// The webhook was created later.
    NotSubscribedThen,
    /// Nobody knows.
    Unknown,
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Waiting => "waiting",
            Self::Retrying => "retrying",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
            Self::Filtered => "filtered",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
            Self::GivenUp => "given up",
            Self::NotSubscribedThen => "not subscribed then",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the queues and the bucket may tell more.
    pub(super) fn is_open(self) -> bool {
        self == Self::Unknown
    }

    pub(super) fn of(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Pending => Self::Waiting,
            DeliveryState::Delivered => Self::Sent,
            DeliveryState::Retrying => Self::Retrying,
            DeliveryState::Held => Self::Held,
            DeliveryState::Cancelled => Self::Cancelled,
            DeliveryState::Dead => Self::Dead,
        }
    }
}
