//! Tests of the page of an event.

use std::collections::HashMap;

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
    let explanation = Explanation {
        topics: vec![Topic::parse("orders/paid")?],
        fates,
        healths: HashMap::new(),
        next: None,
    };
    let event_id = EventId::parse("e")?;
    let shown = answer(&event_id, &explanation, None, Timestamp::UNIX_EPOCH).into_string();
    for part in [
        "Its topic is orders/paid. Of your 4 webhooks, 1 has a delivery of it.",
        "<a href=\"/panel/deliveries/1-e~0a1b2c3d\"><span class=\"state held\">",
        "Held: the webhook is paused.",
        "one of several deliveries with this event id: its topic is orders/paid.",
        "Another payload came under the same id, and was not sent.",
        "<a href=\"/panel/webhooks/2\">orders/* → b.example</a></th><td data-label=\"Outcome\">not subscribed</td>",
        "The webhook was created after the event was published.",
        ">unknown</td>",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("<nav"), "{shown}");
    let first = Explanation { next: Some(WebhookId::new(4)), ..explanation };
    let shown = answer(&event_id, &first, None, Timestamp::UNIX_EPOCH).into_string();
    assert!(shown.contains("Of the 4 webhooks on this page, 1 has"), "{shown}");
    assert!(shown.contains("rel=\"next\" href=\"/panel/events?id=e&amp;since_id=4\""), "{shown}");
    let last = Explanation { next: None, ..first };
    let shown = answer(&event_id, &last, Some(WebhookId::new(9)), Timestamp::UNIX_EPOCH).into_string();
    assert!(shown.contains("<a href=\"/panel/events?id=e\">First") && !shown.contains("rel=\"next\""));
    Ok(())
}

#[test]
fn without_a_webhook_or_a_record_the_page_says_what_that_means() -> TestResult {
    let event_id = EventId::parse("e")?;
    let none = Explanation { topics: vec![], fates: vec![], healths: HashMap::new(), next: None };
    let shown = answer(&event_id, &none, None, Timestamp::UNIX_EPOCH).into_string();
    assert!(
        shown.contains("<a class=\"button\" href=\"/panel/webhooks/new\">Create a webhook</a>"),
        "{shown}"
    );
    let fates = vec![(webhook(1)?, Fate::Unknown)];
    let unknown = Explanation { topics: vec![], fates, healths: HashMap::new(), next: None };
    let shown = answer(&event_id, &unknown, None, Timestamp::UNIX_EPOCH).into_string();
    assert!(shown.contains("no record of this event at your webhook:"), "{shown}");
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
