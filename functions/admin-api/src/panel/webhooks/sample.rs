//! Webhooks for tests.

use serde_json::{Value, json};
use storehook_domain::webhook::Webhook;

/// A webhook with id 7 and no more than it must have.
pub(crate) fn webhook(topic: &str, address: &str) -> serde_json::Result<Webhook> {
    webhook_with(topic, address, json!({}))
}

/// A webhook with these attributes as well.
pub(crate) fn webhook_with(topic: &str, address: &str, attributes: Value) -> serde_json::Result<Webhook> {
    let mut webhook = json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": topic, "address": address, "format": "json",
        "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [], "custom_headers": {},
        "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z", "version": 1,
    });
    for (name, value) in attributes.as_object().cloned().unwrap_or_default() {
        webhook[name] = value;
    }
    serde_json::from_value(webhook)
}
