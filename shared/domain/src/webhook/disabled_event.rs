//! The operational event `webhooks/disabled`: it tells an app that one of its webhooks was
//! disabled.

use jiff::Timestamp;
use serde_json::json;

use crate::{event::catalogue::WEBHOOK_DISABLED, webhook::Webhook};

/// The stream record that tells the webhook's app that the webhook is disabled now, and why.
///
/// The event's id is made from the webhook's id and version, so publishing it again makes the same
/// event. The record names the webhook's app, so no other app gets it.
pub fn disabled_event(webhook: &Webhook, reason: &str, now: Timestamp) -> String {
    let payload = json!({
        "id": webhook.id,
        "address": webhook.address.as_str(),
        "topic": webhook.topic.as_str(),
        "format": webhook.format.as_str(),
        "protocol": webhook.protocol.as_str(),
        "status": "disabled",
        "disabled_at": now,
        "reason": reason,
    });
    let record = json!({
        "shop": webhook.shop,
        "topic": WEBHOOK_DISABLED.name,
        "event_id": format!("webhook-{}-disabled-{}", webhook.id, webhook.version),
        "triggered_at": now,
        "app": webhook.app,
        "payload": payload,
    });
    record.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{StoreEvent, origin::RecordOrigin},
        installation::app::AppId,
    };

    #[test]
    fn the_event_names_the_webhooks_app_and_has_a_stable_id() -> Result<(), Box<dyn std::error::Error>> {
        let webhook: Webhook = serde_json::from_value(json!({
            "id": 7, "shop": "a.example", "app": "demo", "topic": "order:new", "address": "https://a.example/",
            "format": "json", "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [],
            "custom_headers": {"Authorization": "secret"}, "created_at": "2026-11-21T15:00:00Z",
            "updated_at": "2026-11-21T15:00:00Z", "version": 3,
        }))?;
        let now = "2026-11-26T15:00:00Z".parse()?;
        let record = disabled_event(&webhook, "the endpoint responded with 410", now);
        let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
        let event = StoreEvent::parse(record.as_bytes(), &origin)?;
        assert_eq!(event.topic.as_str(), "webhooks/disabled");
        assert_eq!(event.app, Some(AppId::parse("demo")?));
        assert_eq!(event.id.as_str(), "webhook-7-disabled-3");
        assert_eq!(event.triggered_at, now);
        let payload = event.payload.as_str();
        assert!(
            payload.contains(r#""id":7"#) && payload.contains("410") && !payload.contains("secret"),
            "{payload}"
        );
        Ok(())
    }
}
