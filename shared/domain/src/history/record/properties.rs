//! What holds of a delivery's life whatever messages come, in whatever order.

use std::time::Duration;

use proptest::prelude::*;

use super::{
    tests::{begun, delay, made, message, retry, time},
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
                0 => Disposition::Ack,
                1 => Disposition::Exhausted(Duration::ZERO),
                2 => delay(1),
                _ => retry(1),
            };
            let is_spent = attempted.iter().any(|(other, at, then)| {
                *other > series || *other == series && (*at != queued_at || *then == Disposition::Ack)
            });
            prop_assert!(!is_spent);
            attempted.push((series, queued_at, then));
            let made = made(0, 200).map_err(|error| TestCaseError::fail(error.to_string()))?;
            history = history.attempted(&message, made, then, time(0));
            prop_assert!(history.attempts.len() <= ATTEMPTS_KEPT);
        }
        prop_assert_eq!(history.attempt_count, attempted.len() as u64);
    }

    /// Attempts take time; meanwhile others are admitted, held, and replayed. However they overlap, what was
    /// delivered is not attempted any more, the latest word of the latest series counts, and an older one's does
    /// not.
    #[test]
    fn the_latest_series_has_the_word_however_attempts_overlap(
        steps in prop::collection::vec((0..6_u8, 0..3_u32, 0..3_i64, 0..5_u8, any::<prop::sample::Index>()), 0..120),
    ) {
        let fail = |error: Box<dyn std::error::Error>| TestCaseError::fail(error.to_string());
        let mut history = begun().map_err(fail)?;
        let mut under_way = Vec::new();
        for (step, series, queued_at, answer, which) in steps {
            let message = message(series, queued_at).map_err(fail)?;
            match step {
                0 => {
                    let reserved = history.reserve(None, SignedDuration::from_hours(1), time(1));
                    history = reserved.map_or(history, |reserved| reserved.history);
                }
                1 => history = history.clone().ended(&message, DeliveryState::Held).unwrap_or(history),
                2 | 3 if history.admission(&message) == Admission::Due => {
                    prop_assert!(history.delivered_series.is_none_or(|delivered| delivered < series));
                    under_way.push(message);
                }
                4 | 5 if !under_way.is_empty() => {
                    let message = under_way.swap_remove(which.index(under_way.len()));
                    let then = match answer {
                        0 => Disposition::Ack,
                        1 => Disposition::Exhausted(Duration::ZERO),
                        2 => delay(1),
                        _ => retry(1),
                    };
                    let before = history.clone();
                    history = history.attempted(&message, made(0, 200).map_err(fail)?, then, time(0));
                    if before.begun.is_some_and(|begun| begun.series > message.series) {
                        prop_assert_eq!(history.state, before.state);
                    } else if then == Disposition::Ack {
                        prop_assert_eq!(history.state, DeliveryState::Delivered);
                    } else if before.delivered_series.is_some_and(|delivered| delivered >= message.series) {
                        prop_assert_eq!(history.state, before.state, "what was delivered is not undone");
                    }
                }
                _ => {}
            }
        }
    }
}
