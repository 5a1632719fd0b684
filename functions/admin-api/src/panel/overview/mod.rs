//! The overview: is it working, since when not, and what to look at first.
//!
//! One sentence says how things are. Then come the deliveries over time, and the webhooks that need
//! somebody.

mod sentence;

use std::cmp::Reverse;

use axum::{Extension, extract::State};
use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use storehook_domain::{
    history::{health::Health, state::DeliveryState, stats::DeliveryStats, timeline::Range},
    words::number::{count, counted, latency, percent},
};

use crate::{
    app::App,
    deliveries::activity::{Activity, WEBHOOKS_READ, WebhookActivity, load_activity},
    panel::{
        fields::Query,
        look::{
            chart::chart,
            page::{Page, Tab},
            state::state,
        },
        problem::Problem,
        session::Session,
    },
};

/// How many webhooks that need somebody are listed.
const SHOWN: usize = 20;

/// Shows the overview.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    Query(query): Query,
) -> Result<Page, Problem> {
    let range = if query.get("range") == "month" { Range::Month } else { Range::Day };
    let activity = load_activity(&app, &session.caller, range, session.now).await?;
    Ok(Page::new(Tab::Overview, "Overview", body(&activity, range, &session)))
}

fn body(activity: &Activity, range: Range, session: &Session) -> Markup {
    html! {
        h1 { (sentence::overview(activity)) }
        @if activity.webhooks.is_empty() {
            div.empty {
                p { "A webhook sends the events of a shop to a URL of yours. Create one to begin: it takes a topic and an address." }
                p { a.button.primary href="/panel/webhooks/new" { "Create a webhook" } " "
                    a href="/panel/topics" { "See which events there are" } }
            }
        } @else {
            (attention(&activity.webhooks, session.now))
            @if activity.is_recorded {
                (over_time(activity, range, &session.caller.time_zone))
            } @else {
                p.empty { "The operator of this platform keeps no history, so no deliveries are shown here." }
            }
        }
    }
}

fn over_time(activity: &Activity, range: Range, zone: &TimeZone) -> Markup {
    html! {
        section aria-labelledby="over-time" {
            h2 id="over-time" { "Deliveries in the " (range_words(range)) }
            p.actions {
                a.button href="/panel" aria-current=[(range == Range::Day).then_some("true")] { "24 hours" }
                a.button href="/panel?range=month" aria-current=[(range == Range::Month).then_some("true")] { "30 days" }
            }
            (numbers(&activity.total))
            (chart(&activity.timeline, range, zone))
            @if !activity.is_complete {
                p.muted { "Not everything could be counted: the oldest deliveries of busy webhooks, and webhooks after the first " (WEBHOOKS_READ) ", are left out." }
            }
        }
    }
}

fn range_words(range: Range) -> &'static str {
    match range {
        Range::Day => "last 24 hours",
        Range::Month => "last 30 days",
    }
}

fn numbers(total: &DeliveryStats) -> Markup {
    let [p50, p95] = total.latency_percentiles([50, 95]);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    html! {
        dl.numbers {
            div { dt { "deliveries" } dd { (count(total.total())) } }
            div { dt { "success rate" } dd { (or_dash(total.success_rate().map(percent))) } }
            div { dt { "half respond within" } dd { (or_dash(p50.map(latency))) } }
            div { dt { "95 % respond within" } dd { (or_dash(p95.map(latency))) } }
        }
    }
}

/// The webhooks that need somebody, the most urgent first.
fn attention(webhooks: &[WebhookActivity], now: Timestamp) -> Markup {
    let needy = webhooks.iter().filter_map(|one| {
        let (need, text) = sentence::need(one, now)?;
        Some((need, text, one))
    });
    let mut needy: Vec<_> = needy.collect();
    needy.sort_by_key(|(need, _, one)| (*need, Reverse(lost(one))));
    html! {
        @if !needy.is_empty() {
            section aria-labelledby="attention" {
                h2 id="attention" { "Needs attention" }
                table.cards {
                    caption.sr { "Webhooks that need attention" }
                    thead { tr { th scope="col" { "Webhook" } th scope="col" { "Status" } th scope="col" { "What is wrong" } } }
                    tbody {
                        @for (_, text, one) in needy.iter().take(SHOWN) {
                            tr {
                                td { a href={ "/panel/webhooks/" (one.webhook.id.get()) } { (one.webhook.topic.as_str()) " → " (one.webhook.address.as_str()) } }
                                td data-label="Status" { (state(word(one))) }
                                td data-label="What is wrong" { (text) }
                            }
                        }
                    }
                }
                @if needy.len() > SHOWN {
                    p {
                        (counted((needy.len() - SHOWN) as u64, "more webhook needs", "more webhooks need")) " attention. "
                        a href="/panel/webhooks?status=disabled" { "All disabled webhooks" } ", "
                        a href="/panel/webhooks?status=paused" { "all paused webhooks" } "."
                    }
                }
            }
        }
    }
}

/// A webhook's state in a word: that it fails matters more than that it is active.
fn word(one: &WebhookActivity) -> &'static str {
    if one.health() == Some(Health::Failing) { "failing" } else { one.webhook.status.as_str() }
}

/// How many of a webhook's deliveries did not arrive.
fn lost(one: &WebhookActivity) -> u64 {
    let states = [DeliveryState::Dead, DeliveryState::Held, DeliveryState::Retrying];
    one.stats.as_ref().map_or(0, |stats| states.map(|state| stats.of(state)).iter().sum())
}

#[cfg(test)]
mod tests {
    use super::{sentence::tests::webhook, *};

    #[test]
    fn the_most_urgent_webhooks_come_first_and_the_table_ends() -> serde_json::Result<()> {
        use DeliveryState::{Dead, Delivered, Held, Retrying};
        let now = Timestamp::UNIX_EPOCH;
        let webhooks = vec![
            webhook("active", &[(Delivered, 1)])?,
            webhook("active", &[(Held, 900)])?,
            webhook("active", &[(Delivered, 99), (Dead, 20)])?,
            webhook("paused", &[(Held, 30)])?,
            webhook("active", &[(Retrying, 2)])?,
            webhook("disabled", &[])?,
        ];
        let shown = attention(&webhooks, now).into_string();
        let states: Vec<_> = shown.split("<span class=\"state ").skip(1).collect();
        let words = ["disabled</span>", "failing</span>", "paused</span>", "active</span>", "active</span>"];
        assert_eq!(states.len(), words.len(), "{shown}");
        for (state, word) in states.iter().zip(words) {
            assert!(state.contains(word), "{word}: {state}");
        }
        assert!(states[3].contains("20 deliveries failed") && !shown.contains("more webhook"), "{shown}");
        let many: Vec<_> = (0..23).map(|_| webhook("disabled", &[])).collect::<Result<_, _>>()?;
        let shown = attention(&many, now).into_string();
        assert_eq!(shown.matches("disabled</span>").count(), SHOWN);
        assert!(shown.contains("3 more webhooks need attention.") && shown.contains("?status=disabled"));
        Ok(())
    }
}
