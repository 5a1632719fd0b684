//! A webhook's health in one sentence: what its status and its deliveries of the last 24 hours say.
//!
//! The status comes first: a webhook that is not active takes no deliveries, whatever its numbers
//! were. A percentage is rounded down, so that it is 100 only if nothing failed.

use jiff::Timestamp;
use storehook_domain::{
    explanation::why::probe,
    history::{health::Health, state::DeliveryState},
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{Status, health::failure_run::DISABLED_AFTER},
    words::{
        number::{count, percent},
        time::span,
    },
};

use crate::{deliveries::stats::ShownStats, webhooks::health::WebhookHealth};

/// What a webhook's owner must know while its breaker is open: since when it has been failing, what
/// becomes of its deliveries, when the next probe comes and when the webhook would be disabled.
/// `held` is how many deliveries are held, if that is known.
pub(crate) fn failing(endpoint: &EndpointHealth, held: Option<u64>, now: Timestamp) -> Option<String> {
    let since = span(now.duration_since(endpoint.failing_since?));
    let held = match held {
        None | Some(0) => "deliveries are held".to_owned(),
        Some(1) => "1 delivery is held".to_owned(),
        Some(held) => format!("{} deliveries are held", count(held)),
    };
    let probe = probe(endpoint, now).map(|probe| format!("; {probe}")).unwrap_or_default();
    let end = end(endpoint, now);
    Some(format!(
        "All attempts have failed for {since}, and {held}. What is held is sent by itself once the endpoint \
         works again{probe}.{end}"
    ))
}

/// When the webhook is disabled, if that is near.
fn end(endpoint: &EndpointHealth, now: Timestamp) -> String {
    match endpoint.disables_at.map(|end| end.duration_since(now)) {
        Some(left) if left.as_secs() > 0 => {
            format!(" The webhook is disabled in {} unless something arrives.", span(left))
        }
        Some(_) => " The webhook is about to be disabled.".to_owned(),
        None => String::new(),
    }
}

/// The sentence. Without a history there are no statistics.
pub(crate) fn sentence(
    status: Status,
    health: &WebhookHealth,
    stats: Option<&ShownStats>,
    now: Timestamp,
) -> String {
    let endpoint = &health.endpoint;
    match (status, failing(endpoint, health.held, now)) {
        (Status::Active, Some(failing)) => format!("This webhook is failing. {failing}"),
        (Status::Active, None) => format!("{}{}", by_status(status, stats), end(endpoint, now)),
        (Status::Paused | Status::Disabled, Some(_)) => format!(
            "{} What was held because its endpoint failed is then sent by itself.",
            by_status(status, stats)
        ),
        (Status::Paused | Status::Disabled, None) => by_status(status, stats),
    }
}

fn by_status(status: Status, stats: Option<&ShownStats>) -> String {
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
        _ if Health::of(Status::Active, false, of) == Health::Failing => {
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
mod tests;
