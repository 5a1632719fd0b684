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
    /// A new event of a topic, with the sample of that topic.
    fn sample(topic: &str) -> Self {
        let sample = Topic::parse(topic).map(|topic| code::pretty(sample_of(&topic))).unwrap_or_default();
        Self { topic: topic.to_owned(), event_id: String::new(), payload: sample }
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
    form(&Event::sample(query.get("topic").trim()), pushed.as_ref(), &FieldErrors::default())
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
            let page = form(&event, None, &errors).with(StatusCode::UNPROCESSABLE_ENTITY);
            return Ok(page.into_response());
        }
        Err(error) => return Err(ApiError::Push(error).into()),
    };
    let results = push_events(&app, events).await?;
    let id = results.first().map_or("", |result| result.event_id.as_str());
    Ok(done(&format!("/panel/push?topic={}&pushed={id}", encoded(&event.topic)), Notice::Pushed))
}

fn form(event: &Event, pushed: Option<&EventId>, errors: &FieldErrors) -> Page {
    let field = |name, label, help| Field { name, label, help, errors };
    let topic = field("topic", "Topic", "A topic of the catalogue, or a name of your own: noun:verb.");
    let id = field("event_id", "Event id (optional)", "Two pushes with the same id are one event.");
    let payload = field("payload", "Payload", "A JSON object. It is sent as you write it, byte for byte.");
    let body = html! {
        h1 { "Push an event" }
        @if let Some(id) = pushed {
            p { "The event's id is " code { (id) } ". "
                a href={ "/panel/events?id=" (id) } { "See who got event " (id) } "." }
        }
        p.lead { "Webhooks that subscribe to the topic get this event as if the store had sent it." }
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
            p { "The operator of this platform grants it: " code { "storehook install --scope events:push" } "." }
            p { "To try a webhook you need no push: open it under "
                a href="/panel/webhooks" { "Webhooks" } " and send a test event." }
        }
    };
    Page::new(Tab::Push, "Push an event", body)
}

#[cfg(test)]
mod tests {
    use storehook_domain::installation::{app::AppId, shop::ShopDomain};

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn sent(topic: &str, event_id: &str, payload: &str) -> Event {
        Event { topic: topic.into(), event_id: event_id.into(), payload: payload.into() }
    }

    #[test]
    fn the_form_is_judged_as_the_apis_body_is() -> TestResult {
        let (shop, app) = (ShopDomain::parse("a.example")?, AppId::parse("importer")?);
        let object = "must be an object";
        let injection = r#"{"id":1},"shop":"b.example""#;
        for (event, expected) in [
            (sent("orders/create", "", "{\"id\": 1}\n"), json!(null)),
            (sent("return:approved", "e-1", "{}"), json!(null)),
            (sent("orders/create", "", "{not json"), json!({"payload": [object]})),
            (sent("orders/create", "", "[]"), json!({"payload": [object]})),
            (sent("orders/create", "", " "), json!({"payload": ["can't be blank"]})),
            (sent("orders/create", "", injection), json!({"payload": [object]})),
            (sent("", "", "{}"), json!({"topic": ["can't be blank"]})),
            (sent("app/uninstalled", "", "{}"), json!({"topic": ["cannot be pushed"]})),
            (
                sent("orders/create", "a.b", "x"),
                json!({"event_id": ["must be 1 to 64 letters, digits, '_' or '-'"], "payload": [object]}),
            ),
        ] {
            let json = event.to_json();
            let new_id = || new_event_id("");
            let parsed =
                PushedEvents::parse(json.as_bytes(), &shop, &app, jiff::Timestamp::UNIX_EPOCH, new_id);
            let errors = parsed.err().map_or(Value::Null, |error| error.errors());
            assert_eq!(errors, expected, "{json}");
        }
        Ok(())
    }

    #[test]
    fn the_sample_of_a_topic_is_filled_in() {
        for (topic, part) in [
            ("orders/create", "&quot;id&quot;: "),
            ("order:new", "&quot;id&quot;: "),
            ("stock:low", "123456"),
        ] {
            let page = form(&Event::sample(topic), None, &FieldErrors::default()).body.into_string();
            assert!(page.contains(part) && page.contains(&format!("value=\"{topic}\"")), "{page}");
        }
        assert!(
            !form(&Event::sample(""), None, &FieldErrors::default())
                .body
                .into_string()
                .contains("app/uninstalled")
        );
    }

    #[test]
    fn what_was_typed_stays_escaped_beside_its_errors() {
        let errors = FieldErrors::one("payload", "must be an object");
        let event = sent("orders/create", "e\"1", "</textarea><script>");
        let page = form(&event, None, &errors).body.into_string();
        assert!(page.contains("&lt;/textarea&gt;&lt;script&gt;") && page.contains("e&quot;1"), "{page}");
        assert!(
            page.contains("id=\"payload-error\">must be an object<") && page.contains("href=\"#payload\"")
        );
    }

    #[test]
    fn a_pushed_event_leads_to_who_got_it() -> TestResult {
        let id = EventId::parse("e-1")?;
        let page = form(&Event::sample(""), Some(&id), &FieldErrors::default()).body.into_string();
        assert!(page.contains("<a href=\"/panel/events?id=e-1\">See who got event e-1</a>"), "{page}");
        Ok(())
    }

    #[test]
    fn a_token_without_the_scope_is_told_which() {
        let page = not_allowed();
        assert_eq!(page.status, StatusCode::OK);
        let body = page.body.into_string();
        assert!(body.contains("<code>events:push</code>") && !body.contains("<form"), "{body}");
    }
}
