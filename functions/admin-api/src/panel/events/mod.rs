//! Why was this not sent? For one event, a line for each webhook of the app.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::Timestamp;
use maud::{Markup, html};
use storehook_domain::{
    event::id::EventId,
    explanation::{fate::Fate, why::why},
    history::record::DeliveryRecord,
    input::field_errors::FieldErrors,
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{Webhook, WebhookId},
    words::number::{count, counted},
};

use crate::{
    app::App,
    deliveries::explain::{Explanation, explain_event},
    panel::{
        deliveries::rows::name_of,
        fields::Query,
        look::{
            form::{Field, summary},
            page::{Page, Tab},
            state::state,
        },
        problem::Problem,
        session::Session,
    },
};

/// Shows the form and, for an event's id, what became of the event.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    Query(fields): Query,
) -> Result<Page, Problem> {
    let id = fields.get("id").trim();
    if id.is_empty() {
        return Ok(page(id, &FieldErrors::default(), html! {}));
    }
    let Ok(event_id) = EventId::parse(id) else {
        let errors = FieldErrors::one("id", EventId::RULE);
        return Ok(page(id, &errors, html! {}).with(StatusCode::BAD_REQUEST));
    };
    let after = fields.get("since_id").parse().ok();
    let explanation = explain_event(&app, &session.caller, &event_id, after).await?;
    Ok(page(id, &FieldErrors::default(), answer(&event_id, &explanation, after, session.now)))
}

fn page(id: &str, errors: &FieldErrors, answer: Markup) -> Page {
    let field = Field {
        name: "id",
        label: "Event id",
        help: "It is in the Event-Id header of a delivery, in lists of deliveries, and in the response to a push.",
        errors,
    };
    let body = html! {
        h1 { "Why was this not sent?" }
        (summary(errors))
        form method="get" action="/panel/events" {
            (field.text(id, "text"))
            button.primary type="submit" { "Find out why" }
        }
        (answer)
    };
    Page::new(Tab::Events, "Why was this not sent?", body)
}

/// What became of the event. `after` is the webhook after which the page begins.
fn answer(event_id: &EventId, explanation: &Explanation, after: Option<WebhookId>, now: Timestamp) -> Markup {
    let Explanation { topics, fates, next, .. } = explanation;
    let is_whole = after.is_none() && next.is_none();
    let has_deliveries = |fate: &Fate| matches!(fate, Fate::Deliveries(_));
    let with_deliveries = fates.iter().filter(|(_, fate)| has_deliveries(fate)).count();
    // An event's id needs no escapes in a URL.
    let path = format!("/panel/events?id={event_id}");
    html! {
        h2 { "Event " code { (event_id.as_str()) } }
        @if fates.is_empty() && is_whole {
            div.empty {
                p { "Your app has no webhook on this shop, so nothing is sent to it." }
                p { a.button href="/panel/webhooks/new" { "Create a webhook" } }
            }
        } @else {
            p {
                (in_short(topics.iter().map(|topic| topic.as_str()), with_deliveries, &those(fates.len(), is_whole)))
            }
            (table(explanation, now))
            @if !is_whole {
                nav.pages aria-label="Pages of webhooks" {
                    @if after.is_some() { a href=(path) { "First webhooks" } }
                    @if let Some(next) = next { a rel="next" href={ (path) "&since_id=" (next) } { "More webhooks" } }
                }
            }
        }
    }
}

/// Which webhooks were looked at.
fn those(number: usize, is_whole: bool) -> String {
    match (number, is_whole) {
        (1, true) => "your webhook".to_owned(),
        (number, true) => format!("your {} webhooks", count(number as u64)),
        (number, false) => format!("the {} on this page", counted(number as u64, "webhook", "webhooks")),
    }
}

/// How many webhooks have deliveries of the event, and what it was. A delivery may be held, or wait.
fn in_short<'a>(topics: impl Iterator<Item = &'a str>, number: usize, those: &str) -> String {
    let topics: Vec<_> = topics.collect();
    let have = if number == 1 { "has" } else { "have" };
    match topics.as_slice() {
        [] => format!(
            "There is no record of this event at {those}: it was not published under this id, no webhook subscribes \
             to its topic, its history has expired, or it is still on its way. Try again in some seconds."
        ),
        [topic] => format!("Its topic is {topic}. Of {those}, {number} {have} a delivery of it."),
        topics => format!(
            "Several events have this id. Their topics are {}. Of {those}, {number} {have} deliveries of them.",
            topics.join(", ")
        ),
    }
}

fn table(explanation: &Explanation, now: Timestamp) -> Markup {
    let endpoint = |webhook: &Webhook| explanation.healths.get(&webhook.id).copied().unwrap_or_default();
    html! {
        table.cards {
            caption { "What became of it at each of your webhooks" }
            thead {
                tr { th scope="col" { "Webhook" } th scope="col" { "Outcome" } th scope="col" { "Why" } }
            }
            tbody {
                @for (webhook, fate) in &explanation.fates {
                    @match fate {
                        Fate::Deliveries(records) => {
                            @for record in records { (sent(webhook, endpoint(webhook), record, records.len() > 1, now)) }
                        }
                        Fate::NotSubscribed => (not_sent(webhook, "not subscribed", fate)),
                        Fate::CreatedLater | Fate::TestOfAnother | Fate::OfAnotherApp => (not_sent(webhook, "not sent", fate)),
                        Fate::NoRecord | Fate::Unknown => (not_sent(webhook, "unknown", fate)),
                    }
                }
            }
        }
    }
}

fn sent(
    webhook: &Webhook,
    endpoint: EndpointHealth,
    record: &DeliveryRecord,
    is_one_of_several: bool,
    now: Timestamp,
) -> Markup {
    let again = record.runs.iter().filter(|run| !run.id.is_events_own()).count() as u64;
    html! {
        tr {
            th scope="row" { (link(webhook)) }
            td data-label="Outcome" {
                a href={ "/panel/deliveries/" (record.envelope.id) } { (state(record.state.as_str())) span.sr { " delivery " (record.envelope.id) } }
            }
            td data-label="Why" {
                (why(record, Some((webhook.status, endpoint)), now))
                @if is_one_of_several {
                    " It is one of several deliveries with this event id: its topic is " (record.envelope.topic.as_str()) "."
                }
                @if again > 0 { " It was sent again " (counted(again, "time", "times")) "." }
                @if record.has_other_payload {
                    " Another payload came under the same id, and was not sent."
                }
            }
        }
    }
}

fn not_sent(webhook: &Webhook, outcome: &str, fate: &Fate) -> Markup {
    html! {
        tr {
            th scope="row" { (link(webhook)) }
            td data-label="Outcome" { (outcome) }
            td data-label="Why" { (fate.reason().unwrap_or_default()) }
        }
    }
}

fn link(webhook: &Webhook) -> Markup {
    html! { a href={ "/panel/webhooks/" (webhook.id) } { (name_of(webhook)) } }
}

#[cfg(test)]
mod tests;
