//! Tests of the list of webhooks.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde_json::json;
use storehook_domain::webhook::Webhook;

use super::*;
use crate::panel::webhooks::sample::{webhook, webhook_with};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn shown(webhooks: &[Webhook], place: &Place, next: Option<WebhookId>) -> String {
    let shown = WebhooksResponse::of(webhooks, &HashMap::new(), &TimeZone::UTC, None).webhooks;
    let webhooks: Vec<_> = shown.into_iter().map(|shown| shown.properties).collect();
    body(&webhooks, place, next).into_string()
}

#[test]
fn without_a_webhook_the_page_says_what_one_is_and_has_one_button() {
    let page = shown(&[], &Place::default(), None);
    assert!(page.contains("No webhooks yet"), "{page}");
    assert_eq!(page.matches("class=\"button primary\"").count(), 1, "{page}");
    assert!(!page.contains("<table"), "{page}");
}

#[test]
fn without_a_match_the_filter_stays_and_can_be_left() {
    let place = Place { topic: "<script>".to_owned(), ..Place::default() };
    let page = shown(&[], &place, None);
    for part in ["value=\"&lt;script&gt;\"", "No webhook is here.", "<a href=\"/panel/webhooks\">Show all"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("No webhooks yet"), "{page}");
}

#[test]
fn a_row_tells_status_settings_and_what_can_be_changed() -> TestResult {
    let secret = json!({
        "status": "disabled", "format": "xml", "fields": ["id", "name"], "custom_headers": {"X-Api-Key": "s3cret"},
    });
    let webhooks = [
        webhook("orders/create", "https://a.example/hook")?,
        webhook_with("*", "https://b.example/?a=\"<b>", secret)?,
    ];
    let place = Place { host: "example".to_owned(), ..Place::default() };
    let page = shown(&webhooks, &place, None);
    for part in [
        "2 webhooks: 1 active, 1 disabled.",
        "Pause<span class=\"sr\"> orders/create to a.example/hook</span>",
        "value=\"paused\"",
        "Resume<span class=\"sr\"> * to b.example",
        "value=\"active\"",
        "xml, 2 fields, 1 header",
        "https://b.example/?a=&quot;&lt;b&gt;",
        "name=\"from\" value=\"list\"",
        "name=\"host\" value=\"example\"",
        "href=\"/panel/webhooks/7/edit\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("s3cret"), "{page}");
    Ok(())
}

#[test]
fn pages_keep_the_filter() -> TestResult {
    let webhooks = [webhook("orders/create", "https://a.example/")?];
    let place = Place { topic: "orders".to_owned(), ..Place::default() };
    let first = shown(&webhooks, &place, Some(WebhookId::new(7)));
    assert!(first.contains("href=\"/panel/webhooks?topic=orders&amp;since_id=7\" rel=\"next\""), "{first}");
    assert!(first.contains("1 webhook on this page: 1 active."), "{first}");
    let last = shown(&webhooks, &place.after(Some(WebhookId::new(6))), None);
    assert!(last.contains("<a href=\"/panel/webhooks?topic=orders\">First page"), "{last}");
    assert!(!last.contains("rel=\"next\""), "{last}");
    let only = shown(&webhooks, &place, None);
    assert!(!only.contains("<nav") && only.contains("1 webhook: 1 active."), "{only}");
    let disabled = shown(&[], &Place { status: Some(Status::Disabled), ..Place::default() }, None);
    assert!(disabled.contains("<option value=\"disabled\" selected>"), "{disabled}");
    Ok(())
}
