//! How a webhook is, by its status and by what became of its deliveries.
//!
//! Every page asks here, so that no two of them say different things of the same webhook.

use crate::{history::state::DeliveryState, webhook::Status};

/// How a webhook is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It is disabled.
    Disabled,
    /// It is active, and its breaker is open, or more of its deliveries failed than were delivered.
    Failing,
    /// It is paused.
    Paused,
    /// It is active, and at least half of its attempted deliveries were delivered.
    Working,
    /// It is active, and no delivery was attempted.
    Idle,
}

impl Health {
    /// The health of a webhook with this status, whose breaker is open or not, and with this number of
    /// deliveries in each state.
    pub fn of(status: Status, is_open: bool, number: impl Fn(DeliveryState) -> u64) -> Self {
        let delivered = number(DeliveryState::Delivered);
        let failed = number(DeliveryState::Retrying) + number(DeliveryState::Dead);
        match status {
            Status::Disabled => Self::Disabled,
            Status::Paused => Self::Paused,
            Status::Active if is_open || failed > delivered => Self::Failing,
            Status::Active if delivered > 0 => Self::Working,
            Status::Active => Self::Idle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::stats::DeliveryStats;

    #[test]
    fn an_active_webhook_fails_when_more_deliveries_failed_than_were_delivered() {
        use DeliveryState::{Cancelled, Dead, Delivered, Held, Pending, Retrying};
        for (status, states, expected) in [
            (Status::Active, &[][..], Health::Idle),
            (Status::Active, &[(Pending, 3), (Held, 2), (Cancelled, 1)], Health::Idle),
            (Status::Active, &[(Delivered, 1)], Health::Working),
            (Status::Active, &[(Delivered, 2), (Retrying, 1), (Dead, 1)], Health::Working),
            (Status::Active, &[(Delivered, 1), (Retrying, 1), (Dead, 1)], Health::Failing),
            (Status::Active, &[(Dead, 12)], Health::Failing),
            (Status::Active, &[(Retrying, 1)], Health::Failing),
            (Status::Paused, &[(Dead, 12)], Health::Paused),
            (Status::Disabled, &[(Delivered, 12)], Health::Disabled),
        ] {
            let mut stats = DeliveryStats::default();
            for (state, number) in states {
                (0..*number).for_each(|_| stats.count(*state, None));
            }
            let of = |is_open| Health::of(status, is_open, |state| stats.of(state));
            assert_eq!(of(false), expected, "{status:?} {states:?}");
            let open = if status == Status::Active { Health::Failing } else { expected };
            assert_eq!(of(true), open, "{status:?} {states:?}");
        }
    }
}
