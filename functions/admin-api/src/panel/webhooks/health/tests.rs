//! Tests of the sentence of a webhook's health.

use DeliveryState::{Cancelled, Dead, Delivered, Held, Pending, Retrying};

use super::*;

#[test]
fn an_active_webhook_is_as_healthy_as_its_deliveries() {
    for (states, expected) in [
        (&[][..], "No deliveries in the last 24 hours."),
        (
            &[(Delivered, 1_180), (Dead, 4), (Retrying, 20), (Held, 9)],
            "This webhook is taking deliveries: 98 % of 1,204 in the last 24 hours.",
        ),
        (
            &[(Delivered, 1_999), (Dead, 1)],
            "This webhook is taking deliveries: 99.9 % of 2,000 in the last 24 hours.",
        ),
        (&[(Delivered, 12), (Pending, 3)], "This webhook is taking deliveries: all 12 in the last 24 hours."),
        (&[(Delivered, 1)], "This webhook is taking deliveries: it took one in the last 24 hours."),
        (
            &[(Delivered, 3), (Dead, 7)],
            "This webhook is taking few deliveries: 30 % of 10 in the last 24 hours.",
        ),
        (
            &[(Delivered, 1), (Dead, 2)],
            "This webhook is taking few deliveries: 33.3 % of 3 in the last 24 hours.",
        ),
        (
            &[(Delivered, 2), (Retrying, 3)],
            "This webhook is taking few deliveries: 40 % of 5 in the last 24 hours.",
        ),
        (
            &[(Retrying, 5), (Dead, 7)],
            "This webhook is not taking deliveries: all 12 in the last 24 hours failed.",
        ),
        (
            &[(Retrying, 1)],
            "This webhook is not taking deliveries: its only one in the last 24 hours failed.",
        ),
        (
            &[(Pending, 3), (Held, 5), (Cancelled, 0)],
            "No delivery was attempted in the last 24 hours: 3 pending, 5 held.",
        ),
    ] {
        assert_eq!(by_status(Status::Active, Some(&stats_of(states))), expected);
    }
}

#[test]
fn a_webhook_that_is_not_active_says_so_first() {
    let held = stats_of(&[(Delivered, 90), (Held, 812)]);
    for (status, stats, expected) in [
        (
            Status::Paused,
            Some(&held),
            "Paused: its deliveries are held, 812 in the last 24 hours. Resume it, then replay them.",
        ),
        (
            Status::Paused,
            Some(&stats_of(&[])),
            "Paused: its deliveries are held. Resume it, then replay them.",
        ),
        (
            Status::Paused,
            None,
            "Paused: it gets no deliveries, and without a history none are held for later.",
        ),
        (
            Status::Disabled,
            Some(&stats_of(&[])),
            "Disabled: every delivery failed for 5 days, or its endpoint answered 410 Gone. \
             Its deliveries are held. Resume it when the endpoint works.",
        ),
        (
            Status::Disabled,
            None,
            "Disabled: every delivery failed for 5 days, or its endpoint answered 410 Gone. \
             It gets no deliveries. Resume it when the endpoint works.",
        ),
        (Status::Active, None, "Active. How its deliveries end is not known, because no history is kept."),
    ] {
        assert_eq!(by_status(status, stats), expected);
    }
}

#[test]
fn a_count_that_was_cut_short_tells_what_it_covers() {
    let mut stats = stats_of(&[(Delivered, 12)]);
    (stats.complete, stats.since) = (false, "2026-11-21T07:00:00-05:00".to_owned());
    let expected = "This webhook is taking deliveries: all 12 in the last 3 h.";
    assert_eq!(by_status(Status::Active, Some(&stats)), expected);
}

#[test]
fn an_open_breaker_is_told_first_with_what_comes_next() {
    let at = |minutes| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_mins(minutes);
    let endpoint = |next: Option<i64>, end: Option<i64>| EndpointHealth {
        failing_since: Some(at(0)),
        next_probe_at: next.map(at),
        disables_at: end.map(at),
        is_catching_up: false,
    };
    const FAILS: &str = "This webhook is failing. All attempts have failed for 3 h, and";
    const AGAIN: &str = "What is held is sent by itself once the endpoint works again";
    for (status, endpoint, held, expected) in [
        (
            Status::Active,
            endpoint(Some(184), Some(7_200)),
            Some(812),
            format!(
                "{FAILS} 812 deliveries are held. {AGAIN}; next probe in 4 min. The webhook is disabled in 4 days \
                 unless something arrives."
            ),
        ),
        (
            Status::Active,
            endpoint(Some(180), Some(180)),
            Some(1),
            format!("{FAILS} 1 delivery is held. {AGAIN}; a probe is due now. The webhook is about to be disabled."),
        ),
        (Status::Active, endpoint(None, None), None, format!("{FAILS} deliveries are held. {AGAIN}.")),
        (
            Status::Paused,
            endpoint(None, None),
            Some(3),
            "Paused: its deliveries are held. Resume it, then replay them. What was held because its endpoint \
             failed is then sent by itself."
                .to_owned(),
        ),
        (
            Status::Active,
            EndpointHealth { failing_since: None, ..endpoint(None, Some(1_380)) },
            Some(0),
            "No deliveries in the last 24 hours. The webhook is disabled in 20 h unless something arrives."
                .to_owned(),
        ),
    ] {
        let health = WebhookHealth { endpoint, held };
        assert_eq!(sentence(status, &health, Some(&stats_of(&[])), at(180)), expected);
    }
}
