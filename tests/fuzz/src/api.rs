//! Bodies and queries of the API. What is taken is within its limits; a change that is taken leaves a webhook that
//! can be stored and read back.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value};
use storehook_domain::{
    event::{id::EventId, pushed::PushedEvents},
    history::query::{DeliveryPosition, DeliveryQuery},
    input::byte_order_mark::without_byte_order_mark,
    installation::{app::AppId, shop::ShopDomain},
    job::replay::request::{MOST_PER_SECOND, ReplayRequest},
    webhook::{
        Webhook,
        new_webhook::{NewWebhook, WebhookPatch, WebhookRules},
        query::WebhookQuery,
    },
};

const WEBHOOK: &str = r#"{"id": 7, "shop": "a.example", "app": "demo", "topic": "orders/create",
    "address": "https://b.example/", "format": "json", "protocol": "webhook", "status": "active", "fields": [],
    "metafield_namespaces": [], "custom_headers": {"X-Own": "v"}, "created_at": "2026-11-21T15:00:00Z",
    "updated_at": "2026-11-21T15:00:00Z", "version": 3}"#;

/// Reads the bytes as each body that the API takes.
pub fn api_body(bytes: &[u8]) {
    let (shop, app) = (ShopDomain::parse("a.example"), AppId::parse("demo"));
    let (shop, app) = (shop.expect("a shop"), app.expect("an app"));
    let bytes = without_byte_order_mark(bytes);
    let new_id = || EventId::parse("new").expect("an id");
    if let Ok(pushed) = PushedEvents::parse(bytes, &shop, &app, Timestamp::UNIX_EPOCH, new_id) {
        assert!(pushed.events.iter().all(|event| event.partition_key.starts_with("a.example")));
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(bytes) else { return };
    for attributes in [Some(&body), body.get("webhook").and_then(Value::as_object)].into_iter().flatten() {
        webhook(attributes);
    }
    for members in [Some(&body), body.get("replay").and_then(Value::as_object)].into_iter().flatten() {
        if let Ok(request) = ReplayRequest::parse(members, &TimeZone::UTC, Timestamp::UNIX_EPOCH) {
            assert!((1..=MOST_PER_SECOND).contains(&request.per_second));
            assert!(request.from <= request.to);
        }
    }
}

fn webhook(attributes: &Map<String, Value>) {
    let rules = WebhookRules::default();
    if let Ok(new) = NewWebhook::parse(attributes, &rules) {
        assert!(matches!(new.address.url().scheme(), "http" | "https"));
    }
    let mut webhook: Webhook = serde_json::from_str(WEBHOOK).expect("a webhook");
    if let Ok(patch) = WebhookPatch::parse(attributes, &rules, &webhook) {
        patch.apply_to(&mut webhook);
        let stored = serde_json::to_string(&webhook).expect("it can be stored");
        let read: Webhook = serde_json::from_str(&stored).expect("it reads back");
        assert_eq!(serde_json::to_string(&read).expect("it can be stored"), stored);
    }
}

/// Reads the bytes as each query that the API takes, and as a cursor.
pub fn api_query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(query) = WebhookQuery::parse(&text, &TimeZone::UTC) {
        query.skip();
        query.range();
    }
    let _filter = WebhookQuery::parse_count(&text);
    let _fields = WebhookQuery::parse_fields(&text);
    if let Ok(query) = DeliveryQuery::parse(&text, &TimeZone::UTC) {
        assert!((1..=250).contains(&query.limit));
    }
    if let Ok(position) = DeliveryPosition::from_page_info(&text) {
        let again = DeliveryPosition::from_page_info(&position.to_page_info());
        assert_eq!(again.as_ref(), Ok(&position), "a cursor that is taken is one that was made");
        position.created_at();
    }
}
