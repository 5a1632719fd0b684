//! The operational events: they tell an app how one of its webhooks is.
//!
//! Each is a record for the stream, which names the webhook's app, so no other app gets it. Its id is
//! made from what happened, so publishing it again makes the same event. `*` does not match it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    event::catalogue::{WEBHOOK_DISABLED, WEBHOOK_FAILING, WEBHOOK_RECOVERED},
    webhook::{Status, Webhook, health::failure_run::FailureRun},
};

/// The webhook is disabled now.
pub fn disabled_event(webhook: &Webhook, reason: &str, now: Timestamp) -> String {
    let news = json!({"status": Status::Disabled.as_str(), "disabled_at": now, "reason": reason});
    record(webhook, WEBHOOK_DISABLED, &format!("disabled-{}", webhook.version), news, now)
}

/// The webhook's breaker has opened: its deliveries are held. A breaker that opens again in the same
/// failure run makes the same event.
pub fn failing_event(webhook: &Webhook, run: &FailureRun, now: Timestamp) -> String {
    let reason = format!("{} attempts in a row have failed; deliveries are held", run.attempts);
    let news = json!({"failing_since": run.since, "disables_at": run.disables_at(), "reason": reason});
    record(webhook, WEBHOOK_FAILING, &format!("failing-{}", run.since.as_second()), news, now)
}

/// The webhook will be disabled within a day.
pub fn warning_event(webhook: &Webhook, run: &FailureRun, now: Timestamp) -> String {
    let reason = "no attempt has succeeded for four days; the webhook will be disabled";
    let news = json!({"failing_since": run.since, "disables_at": run.disables_at(), "reason": reason});
    record(webhook, WEBHOOK_FAILING, &format!("warned-{}", run.since.as_second()), news, now)
}

/// The webhook's breaker has closed: its deliveries are sent again.
pub fn recovered_event(webhook: &Webhook, failing_since: Timestamp, now: Timestamp) -> String {
    let news = json!({"failing_since": failing_since, "recovered_at": now});
    record(webhook, WEBHOOK_RECOVERED, &format!("recovered-{}", failing_since.as_second()), news, now)
}

fn record(webhook: &Webhook, topic: &str, what: &str, news: Value, now: Timestamp) -> String {
    let mut payload = json!({
        "id": webhook.id,
        "address": webhook.address.as_str(),
        "topic": webhook.topic.as_str(),
        "format": webhook.format.as_str(),
        "protocol": webhook.protocol.as_str(),
        "status": webhook.status.as_str(),
    });
    if let (Some(members), Value::Object(news)) = (payload.as_object_mut(), news) {
        members.extend(news);
    }
    let record = json!({
        "shop": webhook.shop,
        "topic": topic,
        "event_id": format!("webhook-{}-{what}", webhook.id),
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
    fn an_event_names_the_webhooks_app_and_has_a_stable_id() -> Result<(), Box<dyn std::error::Error>> {
        let webhook: Webhook = serde_json::from_value(json!({
            "id": 7, "shop": "a.example", "app": "demo", "topic": "order:new", "address": "https://a.example/",
            "format": "json", "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [],
            "custom_headers": {"Authorization": "secret"}, "created_at": "2026-11-21T15:00:00Z",
            "updated_at": "2026-11-21T15:00:00Z", "version": 3,
        }))?;
        let now = "2026-11-26T15:00:00Z".parse()?;
        let run = FailureRun { since: "2026-11-22T15:00:00Z".parse()?, attempts: 100 };
        for (record, topic, id, news) in [
            (
                disabled_event(&webhook, "it responded with 410", now),
                "disabled",
                "disabled-3",
                "it responded with 410",
            ),
            (failing_event(&webhook, &run, now), "failing", "failing-1795359600", "100 attempts in a row"),
            (
                warning_event(&webhook, &run, now),
                "failing",
                "warned-1795359600",
                r#""disables_at":"2026-11-27T15:00:00Z""#,
            ),
            (
                recovered_event(&webhook, run.since, now),
                "recovered",
                "recovered-1795359600",
                "2026-11-22T15:00:00Z",
            ),
        ] {
            let origin =
                RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
            let event = StoreEvent::parse(record.as_bytes(), &origin)?;
            assert_eq!(event.topic.as_str(), format!("webhooks/{topic}"));
            assert_eq!(event.app, Some(AppId::parse("demo")?));
            assert_eq!(event.id.as_str(), format!("webhook-7-{id}"));
            assert_eq!(event.triggered_at, now);
            let payload = event.payload.as_str();
            let is_whole =
                payload.contains(r#""id":7"#) && payload.contains(news) && !payload.contains("secret");
            assert!(is_whole, "{payload}");
        }
        Ok(())
    }
}
