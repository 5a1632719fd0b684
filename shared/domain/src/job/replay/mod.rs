//! Replays: deliveries of a webhook that are sent again, any number of them, step by step.
//!
//! A replay is a window of time, a state and a pace ([`Replay`]; the API reads it as a
//! [`request`]). It goes on by itself, from the oldest delivery on: a [`step`] sends as many
//! deliveries as its pace gives a few seconds, and the [`record`] notes how far the steps came.
//! Each delivery gets one run, named by the replay, however often it is sent.

pub mod request;

pub mod step;

pub mod record;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    delivery::run::RunId,
    history::state::DeliveryState,
    installation::{app::AppId, message_group::MessageGroup, shop::ShopDomain},
    webhook::{WebhookId, WebhookKey},
};

/// Which deliveries a replay sends again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplayState {
    /// Those whose last attempt has failed.
    Dead,
    /// Those that were held because their webhook was paused or disabled.
    Held,
    /// All that do not wait for their first attempt anyway.
    All,
}

/// A replay: whose deliveries, which of them, and how fast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Its id among the replays of its webhook.
    pub id: String,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The shop of the webhook.
    pub shop: ShopDomain,
    /// The app that owns the webhook.
    pub app: AppId,
    /// Only deliveries that were first queued at this time or later.
    pub from: Timestamp,
    /// Only deliveries that were first queued at this time or earlier.
    pub to: Timestamp,
    /// Only deliveries in this state.
    pub state: ReplayState,
    /// How many deliveries it sends a second.
    pub per_second: u32,
    /// When it began.
    pub began_at: Timestamp,
}

impl ReplayState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Dead, Self::Held, Self::All];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Held => "held",
            Self::All => "all",
        }
    }

    /// The states of the deliveries that are sent again.
    pub fn states(self) -> impl Iterator<Item = DeliveryState> {
        DeliveryState::ALL.into_iter().filter(move |state| self.includes(*state))
    }

    /// The states that the index may show of deliveries that are sent again. The index knows
    /// nothing of overdue deliveries, which are dead.
    pub fn indexed_states(self) -> impl Iterator<Item = DeliveryState> {
        DeliveryState::recorded_for(move |state| self.includes(state))
    }

    /// Whether deliveries in this state are sent again.
    pub fn includes(self, state: DeliveryState) -> bool {
        match self {
            Self::Dead => state == DeliveryState::Dead,
            Self::Held => state == DeliveryState::Held,
            Self::All => state != DeliveryState::Pending,
        }
    }
}

impl Replay {
    /// The run of its deliveries.
    pub fn run(&self) -> RunId {
        match self.state {
            ReplayState::Dead | ReplayState::Held => RunId::Replay(self.id.clone()),
            ReplayState::All => RunId::ReplayAll(self.id.clone()),
        }
    }

    /// What names its webhook.
    pub fn webhook(&self) -> WebhookKey {
        WebhookKey { id: self.webhook_id, shop: self.shop.clone(), app: self.app.clone() }
    }

    /// The group of its steps: the installation.
    pub fn group(&self) -> MessageGroup {
        MessageGroup::of(&self.shop, &self.app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_that_wait_anyway_are_not_sent_again() {
        for (state, names) in [
            (ReplayState::Dead, &["dead"][..]),
            (ReplayState::Held, &["held"]),
            (ReplayState::All, &["delivered", "retrying", "held", "cancelled", "dead"]),
        ] {
            assert_eq!(state.states().map(DeliveryState::as_str).collect::<Vec<_>>(), names, "{state:?}");
        }
    }

    #[test]
    fn overdue_deliveries_are_looked_for_where_dead_ones_are() {
        for (state, names) in [
            (ReplayState::Dead, &["pending", "retrying", "dead"][..]),
            (ReplayState::Held, &["held"]),
            (ReplayState::All, &["pending", "delivered", "retrying", "held", "cancelled", "dead"]),
        ] {
            let indexed = state.indexed_states().map(DeliveryState::as_str);
            assert_eq!(indexed.collect::<Vec<_>>(), names, "{state:?}");
        }
    }
}
