//! What a webhook's page shows of its history: numbers, the latest deliveries and replays.
//!
//! The latest deliveries follow what is running: their part of the page asks for itself again while
//! an attempt is due within a minute, or since a minute at most.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use storehook_domain::{
    history::{query::DeliveryQuery, state::DeliveryState},
    webhook::Webhook,
    words::number::{count, latency},
};

use crate::{
    app::App,
    deliveries::{
        operations::list_deliveries,
        responses::{DeliveriesResponse, ShownDelivery},
        stats::ShownStats,
    },
    error::ApiError,
    http::caller::Caller,
    panel::{
        deliveries::rows,
        look::{form::once, state::state},
        replays::rows as replay_rows,
        session::encoded,
        webhooks::health,
    },
    replays::responses::ShownReplay,
};

/// How many deliveries a webhook's page shows.
const LATEST_DELIVERIES: usize = 10;

/// How many replays it shows.
pub(crate) const LATEST_REPLAYS: usize = 5;

/// How soon an attempt must be due for the page to wait for it, and for how long it may be overdue.
const SOON: SignedDuration = SignedDuration::from_mins(1);

/// A webhook's history.
pub(crate) struct History {
    /// The last 24 hours.
    pub(crate) stats: ShownStats,
    /// The same by the hour, drawn.
    pub(crate) chart: Markup,
    /// The latest deliveries.
    pub(crate) recent: Vec<ShownDelivery>,
    /// The latest replays.
    pub(crate) replays: Vec<ShownReplay>,
}

/// Loads a webhook's latest deliveries.
pub(crate) async fn load_recent(
    app: &App,
    caller: &Caller,
    webhook: &Webhook,
) -> Result<Vec<ShownDelivery>, ApiError> {
    let query = DeliveryQuery {
        event_id: None,
        state: None,
        since: None,
        until: None,
        limit: LATEST_DELIVERIES,
        after: None,
    };
    let (records, _) = list_deliveries(app, caller, webhook, &query).await?;
    Ok(DeliveriesResponse::of(&records, &caller.time_zone, None).deliveries)
}

/// The numbers of the last 24 hours. A number of deliveries leads to them.
pub(crate) fn numbers(webhook_id: u64, stats: &ShownStats, chart: &Markup) -> Markup {
    let states = DeliveryState::ALL.map(|state| (state.as_str(), health::number(stats, state)));
    let since = encoded(&stats.since);
    let ms = |ms: Option<u64>| ms.map_or_else(|| "–".to_owned(), latency);
    html! {
        @if stats.deliveries > 0 {
            h2 { "Deliveries " (health::window(stats)) }
            dl.numbers {
                div { dt { "success rate" } dd { (health::success(stats).as_deref().unwrap_or("–")) } }
                div { dt { "half respond within" } dd { (ms(stats.latency_ms.p50)) } }
                div { dt { "95 % respond within" } dd { (ms(stats.latency_ms.p95)) } }
            }
            dl.numbers {
                @for (name, number) in states.into_iter().filter(|(_, number)| *number > 0) {
                    div {
                        dt { (state(name)) }
                        dd {
                            a href={ "/panel/deliveries?webhook=" (webhook_id) "&state=" (name) "&since=" (since) } {
                                (count(number)) span.sr { " " (name) }
                            }
                        }
                    }
                }
            }
            (chart)
        }
    }
}

/// The latest deliveries.
pub(crate) fn recent(
    webhook_id: u64,
    is_active: bool,
    deliveries: &[ShownDelivery],
    now: Timestamp,
) -> Markup {
    let is_live = deliveries.iter().any(|delivery| is_due(delivery, now));
    let path = format!("/panel/webhooks/{webhook_id}");
    let live = |value: &'static str| is_live.then_some(value);
    html! {
        section id="recent" aria-labelledby="recent-title" data-live[is_live] data-version=(version(deliveries))
            hx-get=[is_live.then(|| format!("{path}/recent"))] hx-select=[live("#recent")]
            hx-target=[live("#recent")] hx-swap=[live("outerHTML")] hx-trigger=[live("live")]
            hx-disinherit=[live("hx-select hx-target hx-swap")] {
            h2 id="recent-title" { "Latest deliveries" }
            @if deliveries.is_empty() {
                div.empty {
                    p { "No deliveries yet. Publish an event of this topic, or send a test event." }
                    @if is_active {
                        form method="post" action={ (path) "/test" } { (once()) button type="submit" { "Send a test event" } }
                    } @else {
                        p { "Resume the webhook first: a test event goes to active webhooks only." }
                    }
                }
            } @else {
                (rows::table("The latest first", deliveries, now))
                p { a href={ "/panel/deliveries?webhook=" (webhook_id) } { "All deliveries of this webhook" } }
            }
        }
    }
}

/// A text that differs if deliveries do, in what is shown of them.
fn version(deliveries: &[ShownDelivery]) -> String {
    let mut hasher = DefaultHasher::new();
    for delivery in deliveries {
        (&delivery.id, delivery.state, delivery.attempt_count, &delivery.next_attempt_at).hash(&mut hasher);
    }
    format!("{:x}", hasher.finish())
}

/// Whether an attempt is being made or due soon. One without a time is due when it is queued.
fn is_due(delivery: &ShownDelivery, now: Timestamp) -> bool {
    let is_waiting = [DeliveryState::Pending, DeliveryState::Retrying]
        .into_iter()
        .any(|state| state.as_str() == delivery.state);
    let due = delivery.next_attempt_at.as_deref().unwrap_or(&delivery.created_at);
    let wait = due.parse::<Timestamp>().map(|due| due.duration_since(now));
    is_waiting && wait.is_ok_and(|wait| -SOON < wait && wait <= SOON)
}

/// The latest replays.
pub(crate) fn replays(webhook_id: u64, replays: &[ShownReplay], now: Timestamp) -> Markup {
    let path = format!("/panel/webhooks/{webhook_id}/replays");
    html! {
        h2 { "Replays" }
        @if replays.is_empty() {
            p.muted { "No replays. A replay sends deliveries again that failed or were held." }
        } @else {
            (replay_rows::table("The latest first", replays, now))
            p { a href=(path) { "All replays of this webhook" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::webhooks::health::stats_of;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn delivery(state: &'static str, next_attempt_at: Option<&str>) -> ShownDelivery {
        let time = "2026-11-21T15:00:00+00:00".to_owned();
        ShownDelivery {
            id: "7-e1".to_owned(),
            webhook_id: 7,
            event_id: "e1".to_owned(),
            topic: "orders/<script>".to_owned(),
            state,
            held_for: None,
            test: false,
            has_other_payload: false,
            replays: 0,
            triggered_at: time.clone(),
            created_at: time,
            next_attempt_at: next_attempt_at.map(str::to_owned),
            attempt_count: 1,
            last_attempt: None,
        }
    }

    #[test]
    fn the_latest_deliveries_follow_what_is_due_within_a_minute() -> TestResult {
        let now = "2026-11-21T15:00:00Z".parse()?;
        for (state, next, is_live) in [
            ("pending", None, true),
            ("retrying", Some("2026-11-21T15:01:00+00:00"), true),
            ("retrying", Some("2026-11-21T15:01:01+00:00"), false),
            ("retrying", Some("2026-11-21T14:59:01+00:00"), true),
            ("retrying", Some("2026-11-21T14:59:00+00:00"), false),
            ("delivered", None, false),
            ("held", None, false),
        ] {
            let part = recent(7, true, &[delivery("dead", None), delivery(state, next)], now).into_string();
            assert_eq!(part.contains("data-live"), is_live, "{state} {next:?}: {part}");
            assert_eq!(part.contains("hx-get=\"/panel/webhooks/7/recent\""), is_live, "{part}");
            assert!(part.contains("href=\"/panel/deliveries?webhook=7\"") && !part.contains("<script>"));
        }
        Ok(())
    }

    #[test]
    fn a_part_that_differs_has_another_version() {
        let made = |count| version(&[ShownDelivery { attempt_count: count, ..delivery("retrying", None) }]);
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
    }

    #[test]
    fn without_deliveries_the_page_says_what_to_do() -> TestResult {
        let now = "2026-11-21T15:00:00Z".parse()?;
        for (is_active, expected) in
            [(true, "action=\"/panel/webhooks/7/test\""), (false, "Resume the webhook")]
        {
            let part = recent(7, is_active, &[], now).into_string();
            assert!(part.contains(expected) && !part.contains("data-live"), "{part}");
        }
        assert!(replays(7, &[], now).into_string().contains("No replays."));
        Ok(())
    }

    #[test]
    fn a_number_leads_to_its_deliveries() {
        let stats = stats_of(&[(DeliveryState::Delivered, 1_200), (DeliveryState::Dead, 4)]);
        let numbers = numbers(7, &stats, &Markup::default()).into_string();
        for expected in [
            "webhook=7&amp;state=dead&amp;since=2026%2D11%2D20T10%3A00%3A00%2D05%3A00",
            "1,200<span class=\"sr\"> delivered</span>",
            "<dd>99.6 %</dd>",
            "<dd>1.2 s</dd>",
        ] {
            assert!(numbers.contains(expected), "{expected}: {numbers}");
        }
        assert!(!numbers.contains("held"), "{numbers}");
    }
}
