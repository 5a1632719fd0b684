//! A webhook's health in one sentence: what its status and its deliveries of the last 24 hours say.
//!
//! The status comes first: a webhook that is not active takes no deliveries, whatever its numbers
//! were. A percentage is rounded down, so that it is 100 only if nothing failed.

use jiff::Timestamp;
use storehook_domain::{
    history::{health::Health, state::DeliveryState},
    webhook::{Status, health::failure_run::DISABLED_AFTER},
};

use crate::{
    deliveries::stats::ShownStats,
    panel::look::{
        number::{count, percent},
        time::span,
    },
};

/// The sentence. Without a history there are no statistics.
pub(crate) fn sentence(status: Status, stats: Option<&ShownStats>) -> String {
    match (status, stats) {
        (Status::Active, Some(stats)) => deliveries(stats),
        (Status::Active, None) => {
            "Active. How its deliveries end is not known, because no history is kept.".to_owned()
        }
        (Status::Paused, Some(stats)) => {
            format!("Paused: its deliveries are held{}. Resume it, then replay them.", held(stats))
        }
        (Status::Paused, None) => {
            "Paused: it gets no deliveries, and without a history none are held for later.".to_owned()
        }
        (Status::Disabled, stats) => {
            let reason = format!(
                "Disabled: every delivery failed for {}, or its endpoint answered 410 Gone.",
                span(DISABLED_AFTER)
            );
            let next = match stats {
                Some(stats) => {
                    format!("Its deliveries are held{}. Resume it when the endpoint works.", held(stats))
                }
                None => "It gets no deliveries. Resume it when the endpoint works.".to_owned(),
            };
            format!("{reason} {next}")
        }
    }
}

/// What the deliveries of an active webhook say.
fn deliveries(stats: &ShownStats) -> String {
    let window = window(stats);
    let of = |state| number(stats, state);
    let delivered = of(DeliveryState::Delivered);
    let attempted = delivered + of(DeliveryState::Retrying) + of(DeliveryState::Dead);
    let (all, success) = (count(attempted), success(stats).unwrap_or_default());
    match (delivered, attempted) {
        _ if stats.deliveries == 0 => format!("No deliveries {window}."),
        (_, 0) => {
            let waiting = DeliveryState::ALL.into_iter().filter(|state| of(*state) > 0);
            let waiting: Vec<_> =
                waiting.map(|state| format!("{} {}", count(of(state)), state.as_str())).collect();
            format!("No delivery was attempted {window}: {}.", waiting.join(", "))
        }
        (1, 1) => format!("This webhook is taking deliveries: it took one {window}."),
        (0, 1) => format!("This webhook is not taking deliveries: its only one {window} failed."),
        (0, _) => format!("This webhook is not taking deliveries: all {all} {window} failed."),
        _ if delivered == attempted => {
            format!("This webhook is taking deliveries: all {all} {window}.")
        }
        _ if Health::of(Status::Active, of) == Health::Failing => {
            format!("This webhook is taking few deliveries: {success} of {all} {window}.")
        }
        _ => {
            format!("This webhook is taking deliveries: {success} of {all} {window}.")
        }
    }
}

fn held(stats: &ShownStats) -> String {
    match number(stats, DeliveryState::Held) {
        0 => String::new(),
        held => format!(", {} {}", count(held), window(stats)),
    }
}

/// The time that the statistics cover. A count that took too long covers less than a day.
pub(crate) fn window(stats: &ShownStats) -> String {
    let time = |text: &str| text.parse::<Timestamp>().ok();
    match (time(&stats.since), time(&stats.until)) {
        (Some(since), Some(until)) if !stats.complete => {
            format!("in the last {}", span(until.duration_since(since)))
        }
        _ => "in the last 24 hours".to_owned(),
    }
}

/// The number of deliveries in a state.
pub(crate) fn number(stats: &ShownStats, state: DeliveryState) -> u64 {
    stats.states.get(state.as_str()).and_then(serde_json::Value::as_u64).unwrap_or_default()
}

/// The share of the attempted deliveries that were delivered; `None` if none was attempted.
pub(crate) fn success(stats: &ShownStats) -> Option<String> {
    stats.success_rate.map(percent)
}

/// Statistics for tests: all deliveries of a day in these states.
#[cfg(test)]
pub(crate) fn stats_of(states: &[(DeliveryState, u64)]) -> ShownStats {
    use crate::deliveries::stats::{StatsResponse, WindowStats};
    let mut stats = storehook_domain::history::stats::DeliveryStats::default();
    for (state, number) in states {
        (0..*number).for_each(|_| stats.count(*state, Some(1_290)));
    }
    let [since, until] =
        ["2026-11-20T15:00:00Z", "2026-11-21T15:00:00Z"].map(|time| time.parse().unwrap_or_default());
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(-5));
    StatsResponse::of(&WindowStats { stats, since, until, is_complete: true }, &zone).stats
}

#[cfg(test)]
mod tests {
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
            (
                &[(Delivered, 12), (Pending, 3)],
                "This webhook is taking deliveries: all 12 in the last 24 hours.",
            ),
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
            assert_eq!(sentence(Status::Active, Some(&stats_of(states))), expected);
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
            (
                Status::Active,
                None,
                "Active. How its deliveries end is not known, because no history is kept.",
            ),
        ] {
            assert_eq!(sentence(status, stats), expected);
        }
    }

    #[test]
    fn a_count_that_was_cut_short_tells_what_it_covers() {
        let mut stats = stats_of(&[(Delivered, 12)]);
        (stats.complete, stats.since) = (false, "2026-11-21T07:00:00-05:00".to_owned());
        let expected = "This webhook is taking deliveries: all 12 in the last 3 h.";
        assert_eq!(sentence(Status::Active, Some(&stats)), expected);
    }
}
