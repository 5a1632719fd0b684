//! Pushing an event by hand: the form of what the API takes as JSON.
//!
//! The form's fields become the body of the API's call, which the same reader judges. A payload
//! that is not JSON becomes a JSON string, so that the reader says of it what it says of any
//! payload that is not an object, and judges the other fields as well.

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use serde_json::{Value, json, value::RawValue};
use storehook_domain::{
    event::{
        catalogue,
        id::EventId,
        pushed::{InvalidPush, PushedEvents, is_pushable},
        samples::sample_of,
        topic::Topic,
    },
    input::{byte_order_mark::BYTE_ORDER_MARK, field_errors::FieldErrors},
    installation::Scope,
};

use crate::{
    app::App,
    error::ApiError,
    events::{new_id::new_event_id, push::push_events},
    panel::{
        fields::{Fields, Form, Query},
        look::{
            code,
            form::{Field, summary},
            page::{Notice, Page, Tab, done},
        },
        problem::Problem,
        session::{Session, encoded},
    },
};

/// What the form holds.
struct Event {
    topic: String,
    event_id: String,
    payload: String,
}

impl Event {
    /// A new event of a topic, with the sample of that topic. It has an id, so that a form that is
    /// sent twice pushes one event.
    fn sample(topic: &str) -> Self {
        let sample = Topic::parse(topic).map(|topic| code::pretty(sample_of(&topic))).unwrap_or_default();
        Self { topic: topic.to_owned(), event_id: new_event_id("").to_string(), payload: sample }
    }

    /// What was sent.
    fn sent(fields: &Fields) -> Self {
        Self {
            topic: fields.get("topic").trim().to_owned(),
            event_id: fields.get("event_id").trim().to_owned(),
            payload: fields.get("payload").to_owned(),
        }
    }

    /// The body of the API's call. The payload keeps its bytes.
    fn to_json(&self) -> String {
        let id = (!self.event_id.is_empty()).then_some(&self.event_id);
        let payload = self.payload.trim_start_matches(BYTE_ORDER_MARK).trim();
        let payload = match serde_json::from_str::<&RawValue>(payload) {
            Ok(json) => json.get().to_owned(),
            Err(_) if payload.is_empty() => Value::Null.to_string(),
            Err(_) => json!(payload).to_string(),
        };
        format!("{{\"topic\":{},\"event_id\":{},\"payload\":{payload}}}", json!(self.topic), json!(id))
    }
}

/// Shows the form, with the sample of the query's `topic`; or that the token may not push.
pub(crate) async fn show(Extension(session): Extension<Session>, Query(query): Query) -> Page {
    if session.require(Scope::EventsPush).is_err() {
        return not_allowed();
    }
    let pushed = EventId::parse(query.get("pushed")).ok();
    form(
        &Event::sample(query.get("topic").trim()),
        pushed.as_ref(),
        &FieldErrors::default(),
        &Markup::default(),
    )
}

/// Pushes an event.
pub(crate) async fn push(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    Form(fields): Form,
) -> Result<Response, Problem> {
    session.require(Scope::EventsPush)?;
    let (event, caller) = (Event::sent(&fields), &session.caller);
    let pushed =
        PushedEvents::parse(event.to_json().as_bytes(), &caller.shop, &caller.app, session.now, || {
            new_event_id("")
        });
    let events = match pushed {
        Ok(pushed) => pushed.events,
        Err(InvalidPush::Event(errors)) => {
            let page = form(&event, None, &errors, &Markup::default());
            return Ok(page.with(StatusCode::UNPROCESSABLE_ENTITY).into_response());
        }
        Err(error) => return Ok(not_pushed(&event, ApiError::Push(error))),
    };
    let results = match push_events(&app, caller, events).await {
        Ok(results) => results,
        Err(error) => return Ok(not_pushed(&event, error)),
    };
    let id = results.first().map_or("", |result| result.event_id.as_str());
    Ok(done(&format!("/panel/push?topic={}&pushed={id}", encoded(&event.topic)), Notice::Pushed))
}

fn not_pushed(event: &Event, error: ApiError) -> Response {
    Problem::from(error).above(|above| form(event, None, &FieldErrors::default(), &above))
}

fn form(event: &Event, pushed: Option<&EventId>, errors: &FieldErrors, above: &Markup) -> Page {
    let field = |name, label, help| Field { name, label, help, errors };
    let topic = field("topic", "Topic", "A topic of the catalogue, or a name of your own: noun:verb.");
    let id = field(
        "event_id",
        "Event id (optional)",
        "Two pushes with the same id are one event. Empty: a new id.",
    );
    let payload = field("payload", "Payload", "A JSON object. It is sent as you write it, byte for byte.");
    let body = html! {
        h1 { "Push an event" }
        @if let Some(id) = pushed {
            p { "The event's id is " code { (id) } ". "
                a href={ "/panel/events?id=" (id) } { "See who got event " (id) } "." }
        }
        p.lead { "Webhooks that subscribe to the topic get this event as if the store had sent it." }
        (above)
        (summary(errors))
        form method="post" action="/panel/push" {
            (topic_input(&topic, &event.topic))
            (id.text(&event.event_id, "text"))
            (payload.lines(&event.payload, 16))
            button.primary type="submit" { "Push the event" }
        }
        p { a href="/panel/topics" { "All topics, each with a sample payload" } }
    };
    Page::new(Tab::Push, "Push an event", body)
}

/// The topic's field, which proposes the topics that may be pushed.
fn topic_input(field: &Field<'_>, topic: &str) -> Markup {
    field.around(html! {
        input id=(field.name) name=(field.name) type="text" value=(topic) list="topics" autocomplete="off"
            spellcheck="false" aria-describedby=[field.describes()]
            aria-invalid=[field.is_invalid().then_some("true")];
        datalist id="topics" {
            @for topic in catalogue::TOPICS.iter().filter(|topic| is_pushable(topic.name)) {
                option value=(topic.name) {}
            }
        }
    })
}

fn not_allowed() -> Page {
    let body = html! {
        h1 { "Push an event" }
        div.empty {
            p { "Your token may not push events: it lacks the scope " code { "events:push" } "." }
            p { "The operator of this platform grants it: " code { "storehook install --scope webhooks --scope events:push" } "." }
            p { "To try a webhook you need no push: open it under "
                a href="/panel/webhooks" { "Webhooks" } " and send a test event." }
        }
    };
    Page::new(Tab::Push, "Push an event", body)
}

#[cfg(test)]
mod tests;
