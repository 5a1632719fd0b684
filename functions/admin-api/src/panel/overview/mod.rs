//! The overview: is it working, since when not, and what to look at first.
//!
//! One sentence says how things are. Then come the deliveries over time, and the webhooks that need
//! somebody.

mod sentence;

use axum::{Extension, extract::State};
use maud::{Markup, html};
use storehook_domain::history::{state::DeliveryState, stats::DeliveryStats, timeline::Range};

use crate::{
    app::App,
    deliveries::activity::{Activity, WEBHOOKS_READ, WebhookActivity, load_activity},
    panel::{
        fields::Query,
        look::{
            chart::chart,
            number::{count, latency, percent},
            page::{Page, Tab},
            state::state,
        },
        problem::Problem,
        session::Session,
    },
};

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
    let words = range_words(range);
    html! {
        h1 { (sentence::overview(activity)) }
        @if activity.webhooks.is_empty() {
            div.empty {
                p { "A webhook sends the events of a shop to a URL of yours. Create one to begin: it takes a topic and an address." }
                p { a.button.primary href="/panel/webhooks/new" { "Create a webhook" } " "
                    a href="/panel/topics" { "See which events there are" } }
            }
        } @else {
            (attention(activity))
            section aria-labelledby="over-time" {
                h2 id="over-time" { "Deliveries in the " (words) }
                p.actions {
                    a.button href="/panel" aria-current=[(range == Range::Day).then_some("true")] { "24 hours" }
                    a.button href="/panel?range=month" aria-current=[(range == Range::Month).then_some("true")] { "30 days" }
                }
                (numbers(&activity.total))
                (chart(&activity.timeline, range, &session.caller.time_zone))
                @if !activity.is_complete {
                    p.muted { "There was no time to count everything: the oldest deliveries of busy webhooks, and webhooks after the first " (WEBHOOKS_READ) ", are left out." }
                }
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

/// The webhooks that need somebody, the worst first.
fn attention(activity: &Activity) -> Markup {
    let mut needy: Vec<_> =
        activity.webhooks.iter().filter_map(|one| Some((sentence::need(one)?, one))).collect();
    needy.sort_by_key(|(_, one)| std::cmp::Reverse(lost(one)));
    html! {
        @if !needy.is_empty() {
            section aria-labelledby="attention" {
                h2 id="attention" { "Needs attention" }
                table.cards {
                    caption.sr { "Webhooks that need attention" }
                    thead { tr { th scope="col" { "Webhook" } th scope="col" { "Status" } th scope="col" { "What is wrong" } } }
                    tbody {
                        @for (need, one) in &needy {
                            tr {
                                td { a href={ "/panel/webhooks/" (one.webhook.id.get()) } { (one.webhook.topic.as_str()) " → " (one.webhook.address.as_str()) } }
                                td data-label="Status" { (state(one.webhook.status.as_str())) }
                                td data-label="What is wrong" { (need) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn lost(one: &WebhookActivity) -> u64 {
    one.stats.of(DeliveryState::Dead) + one.stats.of(DeliveryState::Held)
}
