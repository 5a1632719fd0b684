//! Tests of pushing an event by hand.

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
        let parsed = PushedEvents::parse(json.as_bytes(), &shop, &app, jiff::Timestamp::UNIX_EPOCH, new_id);
        let errors = parsed.err().map_or(Value::Null, |error| error.errors());
        assert_eq!(errors, expected, "{json}");
    }
    Ok(())
}

fn new_form(topic: &str) -> String {
    form(&Event::sample(topic), None, &FieldErrors::default(), &Markup::default()).body.into_string()
}

#[test]
fn the_sample_of_a_topic_is_filled_in() {
    for (topic, part) in
        [("orders/create", "&quot;id&quot;: "), ("order:new", "&quot;id&quot;: "), ("stock:low", "123456")]
    {
        let page = new_form(topic);
        assert!(page.contains(part) && page.contains(&format!("value=\"{topic}\"")), "{page}");
    }
    let page = new_form("");
    assert!(!page.contains("app/uninstalled"), "{page}");
    assert!(!page.contains("name=\"event_id\" type=\"text\" value=\"\""), "it has an id: {page}");
}

#[test]
fn what_was_typed_stays_escaped_beside_its_errors() {
    let errors = FieldErrors::one("payload", "must be an object");
    let event = sent("orders/create", "e\"1", "</textarea><script>");
    let page = form(&event, None, &errors, &Markup::default()).body.into_string();
    assert!(page.contains("&lt;/textarea&gt;&lt;script&gt;") && page.contains("e&quot;1"), "{page}");
    assert!(page.contains("id=\"payload-error\">must be an object<") && page.contains("href=\"#payload\""));
}

#[test]
fn a_pushed_event_leads_to_who_got_it() -> TestResult {
    let id = EventId::parse("e-1")?;
    let page = form(&Event::sample(""), Some(&id), &FieldErrors::default(), &Markup::default());
    let page = page.body.into_string();
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
