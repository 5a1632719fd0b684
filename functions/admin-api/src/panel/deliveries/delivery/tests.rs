//! Tests of a delivery's page.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const NOW: &str = "2026-11-21T15:10:00Z";

fn record(changes: &Value) -> serde_json::Result<DeliveryRecord> {
    let mut record = json!({
        "envelope": {
            "id": "7-e", "shop": "a.example", "app": "demo", "topic": "orders/paid",
            "triggered_at": "2026-11-21T15:00:00Z",
        },
        "created_at": "2026-11-21T15:00:00Z", "state": "pending", "attempt_count": 0, "attempts": [], "version": 1,
        "expires_at": 4_000_000_000_i64,
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        record[name] = value.clone();
    }
    serde_json::from_value(record)
}

fn attempt(at: &str) -> Value {
    json!({
        "number": 1, "at": at, "error": "the endpoint responded with 500", "code": "status", "status": 500,
        "latency_ms": 12, "address": "https://b.example/",
    })
}

fn webhook(status: &str) -> serde_json::Result<Webhook> {
    serde_json::from_value(json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "orders/*", "address": "https://b.example/hook",
        "format": "json", "protocol": "webhook", "status": status, "fields": [], "metafield_namespaces": [],
        "custom_headers": {}, "created_at": "2026-11-01T15:00:00Z", "updated_at": "2026-11-01T15:00:00Z", "version": 1,
    }))
}

fn shown(found: &Found, queued: Option<&str>, refused: &FieldErrors) -> Result<String, jiff::Error> {
    let queued = queued.map(str::parse).transpose()?;
    let DeliveryResponse { delivery } =
        DeliveryResponse::of(&found.record, found.payload.as_deref(), &TimeZone::UTC);
    Ok(found.show(&delivery, queued, refused, NOW.parse()?).into_string())
}

#[test]
fn the_page_waits_for_an_attempt_that_comes_soon() -> TestResult {
    let due = |state: &str, at: &str| record(&json!({"state": state, "next_attempt_at": at}));
    let dead = |attempted: &str| {
        record(&json!({"state": "dead", "attempts": [attempt(attempted)], "attempt_count": 1}))
    };
    for (what, record, queued, expected) in [
        ("an attempt that is due", due("pending", "2026-11-21T15:09:01Z")?, None, true),
        ("one that does not come", due("pending", "2026-11-21T15:09:00Z")?, None, false),
        ("in five minutes", due("retrying", "2026-11-21T15:15:00Z")?, None, true),
        ("later", due("retrying", "2026-11-21T15:15:01Z")?, None, false),
        ("no attempt", dead("2026-11-21T15:00:01Z")?, None, false),
        ("one that was asked for", dead("2026-11-21T15:00:01Z")?, Some("2026-11-21T15:09:01Z"), true),
        ("it was made", dead("2026-11-21T15:09:01.5Z")?, Some("2026-11-21T15:09:01Z"), false),
        ("it did not come", dead("2026-11-21T15:00:01Z")?, Some("2026-11-21T15:09:00Z"), false),
        ("it will be asked for", dead("2026-11-21T15:00:01Z")?, Some("2026-11-21T15:10:01Z"), false),
    ] {
        let queued = queued.map(str::parse).transpose()?;
        assert_eq!(is_live(&record, queued, NOW.parse()?), expected, "{what}");
    }
    Ok(())
}

#[test]
fn a_live_sentence_brings_the_attempts_and_leaves_what_people_use() -> TestResult {
    let record = record(&json!({"attempts": [attempt("2026-11-21T15:00:01Z")], "attempt_count": 1}))?;
    let found = Found {
        record,
        webhook: Some(webhook("active")?),
        endpoint: EndpointHealth::default(),
        payload: None,
        request: None,
    };
    let live = shown(&found, Some("2026-11-21T15:09:30Z"), &FieldErrors::default())?;
    let expected = "<p class=\"lead\" id=\"delivery\" hx-get=\"/panel/deliveries/7-e?queued=1795273770\" \
         hx-select=\"#delivery\" hx-select-oob=\"#attempts\" hx-target=\"#delivery\" hx-swap=\"outerHTML\" \
         hx-trigger=\"live\" data-live>";
    assert!(live.contains(expected), "{live}");
    let (_, attempts) = live.split_once("<div id=\"attempts\" data-version=\"1.1\">").ok_or("no version")?;
    assert!(attempts.contains("<h2>Attempts</h2>") && !attempts.contains("deliver-again"), "{live}");
    let ended = shown(&found, None, &FieldErrors::default())?;
    assert!(ended.contains("<p class=\"lead\" id=\"delivery\">"), "{ended}");
    Ok(())
}

#[test]
fn the_button_is_there_if_it_can_work() -> TestResult {
    let payload = Some("{}".to_owned());
    for (status, payload, expected) in [
        (
            Some("active"),
            payload.clone(),
            "<button class=\"primary\" id=\"deliver-again\" type=\"submit\">Deliver again",
        ),
        (
            Some("active"),
            payload.clone(),
            "<form method=\"post\" action=\"/panel/deliveries/7-e/redeliver\">",
        ),
        (
            Some("paused"),
            payload.clone(),
            "<a href=\"/panel/webhooks/7\">the webhook</a> active. It is paused.",
        ),
        (Some("active"), None, "The payload is no longer kept, so it cannot be delivered again."),
        (None, payload, "The webhook is deleted, so it cannot be delivered again."),
    ] {
        let webhook = status.map(webhook).transpose()?;
        let found = Found {
            record: record(&json!({}))?,
            webhook,
            endpoint: EndpointHealth::default(),
            payload,
            request: None,
        };
        let page = shown(&found, None, &FieldErrors::default())?;
        assert!(page.contains(expected), "{expected}: {page}");
        assert_eq!(
            page.contains("deliver-again"),
            expected.starts_with("<button") || expected.starts_with("<form")
        );
    }
    Ok(())
}

#[test]
fn a_page_says_why_then_the_facts_and_what_was_refused() -> TestResult {
    let record = record(&json!({
        "state": "held", "has_other_payload": true, "attempt_count": 41, "attempts": [attempt("2026-11-21T15:00:01Z")],
    }))?;
    let found = Found {
        record,
        webhook: Some(webhook("paused")?),
        endpoint: EndpointHealth::default(),
        payload: None,
        request: None,
    };
    let page = shown(&found, None, &FieldErrors::one("webhook", "is <paused>"))?;
    for part in [
        "<p class=\"lead\" id=\"delivery\">Held: the webhook is paused.",
        "held</span></dd>",
        "<li>webhook is &lt;paused&gt;</li>",
        "<a href=\"/panel/events?id=e\">",
        "<a href=\"/panel/webhooks/7\">orders/* → b.example</a>, which is paused",
        "ids of events must differ",
        "The first 40 attempts are no longer kept.",
        "<code>7-e</code>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    Ok(())
}
