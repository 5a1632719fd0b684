//! Why was this not sent? For one event, a line for each webhook of the app.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::Timestamp;
use maud::{Markup, html};
use storehook_domain::{
    event::id::EventId, history::record::DeliveryRecord, input::field_errors::FieldErrors, webhook::Webhook,
};

use crate::{
    app::App,
    deliveries::explain::{Explanation, Fate, explain_event},
    panel::{
        deliveries::{rows::name_of, why::why},
        fields::Query,
        look::{
            form::{Field, summary},
            number::counted,
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
    let explanation = explain_event(&app, &session.caller, &event_id).await?;
    Ok(page(id, &FieldErrors::default(), answer(&event_id, &explanation, session.now)))
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

fn answer(event_id: &EventId, explanation: &Explanation, now: Timestamp) -> Markup {
    let Explanation { topics, fates, left_out } = explanation;
    let is_sent = |fate: &Fate| matches!(fate, Fate::Deliveries(_));
    let sent = fates.iter().filter(|(_, fate)| is_sent(fate)).count();
    html! {
        h2 { "Event " code { (event_id.as_str()) } }
        @if fates.is_empty() && *left_out == 0 {
            div.empty {
                p { "Your app has no webhook on this shop, so nothing is sent to it." }
                p { a.button href="/panel/webhooks/new" { "Create a webhook" } }
            }
        } @else {
            p { (in_short(topics.iter().map(|topic| topic.as_str()), sent, fates.len())) }
            @if *left_out > 0 {
                p.notice {
                    (counted(*left_out as u64, "webhook", "webhooks"))
                    " could not be looked at. Try again in a moment."
                }
            }
            (table(fates, now))
        }
    }
}

/// How many webhooks the event went to, and what it was.
fn in_short<'a>(topics: impl Iterator<Item = &'a str>, sent: usize, all: usize) -> String {
    let topics: Vec<_> = topics.collect();
    let all = counted(all as u64, "webhook", "webhooks");
    match topics.as_slice() {
        [] => format!(
            "There is no record of this event at any of your {all}: it was not published under this id, none of them \
             subscribes to its topic, its history has expired, or it is still on its way. Try again in some seconds."
        ),
        [topic] => format!("Its topic is {topic}. Of your {all}, {sent} got a delivery of it."),
        topics => format!(
            "Several events have this id. Their topics are {}. Of your {all}, {sent} got deliveries of them.",
            topics.join(", ")
        ),
    }
}

fn table(fates: &[(Webhook, Fate)], now: Timestamp) -> Markup {
    html! {
        table.cards {
            caption { "What became of it at each of your webhooks" }
            thead {
                tr { th scope="col" { "Webhook" } th scope="col" { "Outcome" } th scope="col" { "Why" } }
            }
            tbody {
                @for (webhook, fate) in fates {
                    @match fate {
                        Fate::Deliveries(records) => {
                            @for record in records { (sent(webhook, record, records.len() > 1, now)) }
                        }
                        Fate::NotSubscribed => (not_sent(webhook, "not subscribed", fate)),
                        Fate::CreatedLater | Fate::TestOfAnother => (not_sent(webhook, "not sent", fate)),
                        Fate::NoRecord => (not_sent(webhook, "unknown", fate)),
                    }
                }
            }
        }
    }
}

fn sent(webhook: &Webhook, record: &DeliveryRecord, is_one_of_several: bool, now: Timestamp) -> Markup {
    let again = record.runs.iter().filter(|run| !run.id.is_events_own()).count() as u64;
    html! {
        tr {
            th scope="row" { (link(webhook)) }
            td data-label="Outcome" {
                a href={ "/panel/deliveries/" (record.envelope.id) } { (state(record.state.as_str())) span.sr { " delivery " (record.envelope.id) } }
            }
            td data-label="Why" {
                (why(record, Some(webhook.status), now))
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
mod tests {
    use serde_json::json;
    use storehook_domain::event::topic::Topic;

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn webhook(id: u64) -> serde_json::Result<Webhook> {
        serde_json::from_value(json!({
            "id": id, "shop": "a.example", "app": "demo", "topic": "orders/*", "address": "https://b.example/",
            "format": "json", "protocol": "webhook", "status": "paused", "fields": [], "metafield_namespaces": [],
            "custom_headers": {}, "created_at": "2026-11-01T15:00:00Z", "updated_at": "2026-11-01T15:00:00Z",
            "version": 1,
        }))
    }

    fn record(id: &str) -> serde_json::Result<DeliveryRecord> {
        serde_json::from_value(json!({
            "envelope": {
                "id": id, "shop": "a.example", "app": "demo", "topic": "orders/paid",
                "triggered_at": "2026-11-21T15:00:00Z",
            },
            "created_at": "2026-11-21T15:00:00Z", "state": "held", "attempt_count": 0, "attempts": [], "version": 1,
            "has_other_payload": true, "expires_at": 4_000_000_000_i64,
        }))
    }

    #[test]
    fn each_webhook_has_a_line_with_the_outcome_and_why() -> TestResult {
        let fates = vec![
            (webhook(1)?, Fate::Deliveries(vec![record("1-e")?, record("1-e~0a1b2c3d")?])),
            (webhook(2)?, Fate::NotSubscribed),
            (webhook(3)?, Fate::CreatedLater),
            (webhook(4)?, Fate::NoRecord),
        ];
        let explanation = Explanation { topics: vec![Topic::parse("orders/paid")?], fates, left_out: 1 };
        let shown = answer(&EventId::parse("e")?, &explanation, Timestamp::UNIX_EPOCH).into_string();
        for part in [
            "Its topic is orders/paid. Of your 4 webhooks, 1 got a delivery of it.",
            "<a href=\"/panel/deliveries/1-e~0a1b2c3d\"><span class=\"state held\">",
            "Held: the webhook is paused.",
            "one of several deliveries with this event id: its topic is orders/paid.",
            "Another payload came under the same id, and was not sent.",
            "<a href=\"/panel/webhooks/2\">orders/* → b.example</a></th><td data-label=\"Outcome\">not subscribed</td>",
            "The webhook was created after the event was published.",
            ">unknown</td>",
            "1 webhook could not be looked at.",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        Ok(())
    }

    #[test]
    fn without_a_webhook_or_a_record_the_page_says_what_that_means() -> TestResult {
        let event_id = EventId::parse("e")?;
        let none = Explanation { topics: vec![], fates: vec![], left_out: 0 };
        let shown = answer(&event_id, &none, Timestamp::UNIX_EPOCH).into_string();
        assert!(
            shown.contains("<a class=\"button\" href=\"/panel/webhooks/new\">Create a webhook</a>"),
            "{shown}"
        );
        let fates = vec![(webhook(1)?, Fate::NoRecord)];
        let unknown = Explanation { topics: vec![], fates, left_out: 0 };
        let shown = answer(&event_id, &unknown, Timestamp::UNIX_EPOCH).into_string();
        assert!(shown.contains("no record of this event at any of your 1 webhook:"), "{shown}");
        Ok(())
    }

    #[test]
    fn an_id_that_is_none_shows_again_with_the_rule() {
        let errors = FieldErrors::one("id", EventId::RULE);
        let shown = page("\"><script>", &errors, html! {}).body.into_string();
        for part in [
            "value=\"&quot;&gt;&lt;script&gt;\"",
            "id=\"id-error\">must be 1 to 64 letters, digits, '_' or '-'</p>",
            "<a href=\"#id\">",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
}
