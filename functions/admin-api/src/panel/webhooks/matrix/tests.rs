//! Tests of the matrix.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde_json::json;
use storehook_domain::webhook::Webhook;

use super::*;
use crate::{
    panel::webhooks::sample::{webhook, webhook_with},
    webhooks::responses::WebhooksResponse,
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn table_of(webhooks: &[Webhook], is_whole: bool) -> Option<String> {
    let shown = WebhooksResponse::of(webhooks, &HashMap::new(), &TimeZone::UTC, None).webhooks;
    let shown: Vec<_> = shown.into_iter().map(|shown| shown.properties).collect();
    Matrix::of(&shown).map(|matrix| matrix.table(is_whole).into_string())
}

#[test]
fn a_cell_leads_to_its_webhook_or_offers_to_create_it() -> TestResult {
    let webhooks = [
        webhook("orders/create", "https://a.example/hook")?,
        webhook_with("products/create", "https://b.example/", json!({"id": 8, "status": "paused"}))?,
    ];
    let table = table_of(&webhooks, true).ok_or("it is small")?;
    for part in [
        "<th scope=\"col\" title=\"https://a.example/hook\">a.example<br>/hook</th>",
        "<th scope=\"row\">products/create</th>",
        "href=\"/panel/webhooks/8\"",
        "paused</span><span class=\"sr\">: products/create to b.example</span>",
        "/panel/webhooks/new?topic=orders%2Fcreate&amp;address=https%3A%2F%2Fb%2Eexample%2F",
        "Create<span class=\"sr\"> a webhook for orders/create to b.example</span>",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert_eq!(table.matches("Create<").count(), 2, "{table}");
    let part = table_of(&webhooks, false).ok_or("it is small")?;
    assert_eq!(part.matches("Create<").count(), 0, "an empty cell may be filled on another page: {part}");
    Ok(())
}

#[test]
fn spellings_share_a_row_and_equal_webhooks_tell_their_difference() -> TestResult {
    let webhooks = [
        webhook("orders/create", "https://a.example/")?,
        webhook_with("order:new", "https://a.example/", json!({"id": 8, "format": "xml"}))?,
    ];
    let table = table_of(&webhooks, true).ok_or("it is small")?;
    assert_eq!(table.matches("scope=\"row\"").count(), 1, "{table}");
    assert!(table.contains("xml, webhook") && table.contains("json, webhook"), "{table}");
    Ok(())
}

#[test]
fn a_wildcard_of_the_same_endpoint_covers_a_topic_while_it_is_active() -> TestResult {
    for (wildcard, status, is_covered) in [
        ("orders/*", "active", true),
        ("*", "active", true),
        ("orders/*", "paused", false),
        ("products/*", "active", false),
    ] {
        let webhooks = [
            webhook("orders/create", "https://a.example/")?,
            webhook_with(wildcard, "https://b.example/", json!({"id": 8, "status": status}))?,
        ];
        let table = table_of(&webhooks, true).ok_or("it is small")?;
        let offer = "a webhook for orders/create to b.example";
        assert_eq!(!table.contains(offer), is_covered, "{wildcard} {status}: {table}");
        assert_eq!(table.contains("by <a href=\"/panel/webhooks/8\">"), is_covered, "{wildcard} {status}");
    }
    Ok(())
}

#[test]
fn markup_is_escaped_and_a_matrix_is_not_endless() -> TestResult {
    let hostile = webhook("orders/create", "https://a.example/?a=\"><script>")?;
    let table = table_of(&[hostile], true).ok_or("it is small")?;
    assert!(!table.contains("<script"), "{table}");
    let many = (0..21_u8)
        .map(|number| webhook(&format!("stock:low{number}"), &format!("https://a.example/{number}")));
    let many: Vec<_> = many.collect::<Result<_, _>>()?;
    assert!(table_of(&many[..20], true).is_some());
    assert!(table_of(&many, true).is_none());
    Ok(())
}
