//! Tests of a webhook's page.

use jiff::tz::TimeZone;
use serde_json::json;
use storehook_domain::{
    history::state::DeliveryState, job::recovery::endpoint_health::EndpointHealth, webhook::Webhook,
};

use super::*;
use crate::panel::webhooks::health::stats_of;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn page(status: Status, history: Option<&History>) -> Result<String, Box<dyn std::error::Error>> {
    page_of(status, &WebhookHealth::default(), history)
}

fn page_of(
    status: Status,
    health: &WebhookHealth,
    history: Option<&History>,
) -> Result<String, Box<dyn std::error::Error>> {
    let webhook: Webhook = serde_json::from_value(json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "orders/create",
        "address": "https://a.example/?q='><script>", "format": "json", "protocol": "webhook",
        "status": status.as_str(), "fields": ["id", "<b>"], "metafield_namespaces": [],
        "custom_headers": {"Authorization": "Bearer s3cret"}, "created_at": "2026-11-01T15:00:00Z",
        "updated_at": "2026-11-21T14:00:00Z", "version": 3,
    }))?;
    let shown = WebhookResponse::of(&webhook, health, &TimeZone::UTC, None).webhook.properties;
    let now = "2026-11-21T15:00:00Z".parse()?;
    let headers = webhook.custom_headers.iter().map(|(name, _)| name).collect();
    Ok(View { webhook: &shown, status, health, headers, history, now }.body().into_string())
}

fn empty_history() -> History {
    History {
        chart: Markup::default(),
        stats: stats_of(&[(DeliveryState::Held, 3)]),
        recent: Vec::new(),
        replays: Vec::new(),
    }
}

#[test]
fn what_can_be_done_follows_the_status() -> TestResult {
    let history = empty_history();
    for (status, button, is_tested) in [
        (Status::Active, "value=\"paused\">Pause<", true),
        (Status::Paused, "class=\"primary\" type=\"submit\" name=\"status\" value=\"active\">Resume<", false),
        (Status::Disabled, "value=\"active\">Resume<", false),
    ] {
        let page = page(status, Some(&history))?;
        assert!(page.contains(button), "{page}");
        assert_eq!(page.contains("action=\"/panel/webhooks/7/test\""), is_tested, "{status:?}");
        assert_eq!(page.matches("class=\"primary\"").count(), 1, "{status:?}");
    }
    Ok(())
}

#[test]
fn settings_are_escaped_and_header_values_are_masked() -> TestResult {
    let page = page(Status::Active, Some(&empty_history()))?;
    assert!(page.contains("<code>Authorization: ***</code>") && !page.contains("s3cret"), "{page}");
    assert!(page.contains("<code>id</code>, <code>&lt;b&gt;</code>"), "{page}");
    assert!(!page.contains("<script>"), "{page}");
    Ok(())
}

#[test]
fn without_a_history_the_settings_stay() -> TestResult {
    let page = page(Status::Active, None)?;
    assert!(page.contains("keeps no history") && page.contains("<h2>Settings</h2>"), "{page}");
    assert!(!page.contains("/replays"), "{page}");
    Ok(())
}

#[test]
fn a_failing_endpoint_shows_since_when_and_what_comes_next() -> TestResult {
    let health = |failing_since: Option<&str>, held| {
        let time = |time: &str| time.parse::<Timestamp>();
        Ok::<_, jiff::Error>(WebhookHealth {
            endpoint: EndpointHealth {
                failing_since: failing_since.map(time).transpose()?,
                next_probe_at: failing_since.map(|_| time("2026-11-21T15:04:00Z")).transpose()?,
                disables_at: failing_since.map(|_| time("2026-11-25T15:00:00Z")).transpose()?,
                is_catching_up: false,
            },
            held: Some(held),
        })
    };
    let history = empty_history();
    let page = page_of(Status::Active, &health(Some("2026-11-21T12:00:00Z"), 1_000)?, Some(&history))?;
    for part in [
        "</svg>failing</span>",
        "This webhook is failing. All attempts have failed for 3 h",
        "<dt>Failing since</dt><dd><time datetime=\"2026-11-21T12:00:00+00:00\"",
        "<dt>Next probe</dt>",
        "in 4 min",
        "<dt>Disabled</dt>",
        "<a href=\"/panel/deliveries?webhook=7&amp;state=held\">1,000 or more</a>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let page = page_of(Status::Active, &health(None, 3)?, Some(&history))?;
    assert!(page.contains("state=held\">3</a>") && !page.contains("<dt>Next probe"), "{page}");
    let page = page_of(Status::Active, &health(None, 0)?, Some(&history))?;
    assert!(!page.contains("Held deliveries") && page.contains("</svg>active</span>"), "{page}");
    Ok(())
}
