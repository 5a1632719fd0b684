//! What holds of a delivery's life whatever messages come, in whatever order.

use proptest::prelude::*;

use super::{
    tests::{begun, made, message, time},
    *,
};

proptest! {
    /// Whatever messages come in whatever order, once each or twice, and whatever the endpoint says: a series
    /// is attempted by one message, nothing is attempted that has been delivered, and little is kept.
    #[test]
    fn a_series_is_one_messages_and_ends_with_its_delivery(
        receives in prop::collection::vec((0..4_u32, 0..3_i64, 0..5_u8), 0..120),
    ) {
        let mut history = begun().map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut attempted = Vec::new();
        for (series, queued_at, answer) in receives {
            let message = message(series, queued_at).map_err(|error| TestCaseError::fail(error.to_string()))?;
            if history.admission(&message) != Admission::Due {
                continue;
            }
            let then = match answer {
                0 => Then::Delivered,
                1 => Then::Dead,
                2 => Then::Delay(time(1)),
                _ => Then::Retry(time(1)),
            };
            let is_spent = attempted.iter().any(|(other, at, then)| {
                *other > series || *other == series && (*at != queued_at || *then == Then::Delivered)
            });
            prop_assert!(!is_spent);
            attempted.push((series, queued_at, then));
            let made = made(0, 200).map_err(|error| TestCaseError::fail(error.to_string()))?;
            history = history.attempted(&message, made, then);
            prop_assert!(history.attempts.len() <= ATTEMPTS_KEPT);
        }
        prop_assert_eq!(history.attempt_count, attempted.len() as u64);
    }

    /// Attempts take time, and others are admitted meanwhile. However they overlap, what was delivered is
    /// neither undone nor attempted any more.
    #[test]
    fn what_was_delivered_stays_so_however_attempts_overlap(
        steps in prop::collection::vec((any::<bool>(), 0..3_u32, 0..3_i64, 0..5_u8), 0..120),
    ) {
        let fail = |error: Box<dyn std::error::Error>| TestCaseError::fail(error.to_string());
        let mut history = begun().map_err(fail)?;
        let mut under_way = Vec::new();
        for (begins, series, queued_at, answer) in steps {
            let message = message(series, queued_at).map_err(fail)?;
            if begins {
                if history.admission(&message) == Admission::Due {
                    prop_assert!(history.delivered_series.is_none_or(|delivered| delivered < series));
                    under_way.push(message);
                }
                continue;
            }
            let Some(message) = under_way.pop() else { continue };
            let then = match answer {
                0 => Then::Delivered,
                1 => Then::Dead,
                2 => Then::Delay(time(1)),
                _ => Then::Retry(time(1)),
            };
            history = history.attempted(&message, made(0, 200).map_err(fail)?, then);
            if history.delivered_series == Some(history.series) {
                prop_assert_eq!(history.state, DeliveryState::Delivered);
                prop_assert_eq!(history.next_attempt_at, None);
            }
        }
    }
}
