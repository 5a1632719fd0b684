//! Tests that the items of an older release are read: those of 26 November 2026, before the panel, the
//! breaker and packed records. The texts are what that release wrote.

use jiff::Timestamp;
use serde_json::{Value, json};
use storehook_domain::{
    delivery::{lane::Lane, message::DeliveryMessage},
    history::{record::admission::Admission, run::Receive, state::DeliveryState},
    installation::Installation,
};

use crate::{
    history::{DeliveryItem, ReplayItem},
    registry::{HealthItem, InstallationItem, TokenItem, WebhookItem},
    stand_in::from_json,
};

const PK: &str = "SHOP#a.example#APP#demo";
const TOKEN: &str = "TOKEN#6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";

/// What an item is read as, or why not.
fn read<T: for<'de> serde::Deserialize<'de>>(item: &Value) -> Result<T, String> {
    from_json(item).ok_or_else(|| format!("not read: {item}"))
}

fn webhook() -> Value {
    json!({
        "pk": {"S": PK}, "sk": {"S": "WEBHOOK#00000000000000000007"},
        "subscription": {"S": "SHOP#a.example#TOPIC#orders/create"},
        "id": {"N": "7"}, "shop": {"S": "a.example"}, "app": {"S": "demo"}, "topic": {"S": "orders/create"},
        "address": {"S": "https://b.example/hook"}, "format": {"S": "json"}, "protocol": {"S": "webhook"},
        "status": {"S": "active"}, "fields": {"L": []}, "metafield_namespaces": {"L": []},
        "custom_headers": {"M": {}}, "created_at": {"S": "2026-11-21T15:00:00Z"},
        "updated_at": {"S": "2026-11-21T15:00:00Z"}, "version": {"N": "1"},
    })
}

fn record(state: &str) -> Value {
    json!({
        "pk": {"S": "DELIVERY#7-e-1"}, "sk": {"S": "DELIVERY"}, "webhook_shard": {"S": "WEBHOOK#7#1"},
        "position": {"S": "01795000000000000#e-1"},
        "envelope": {"M": {
            "id": {"S": "7-e-1"}, "shop": {"S": "a.example"}, "app": {"S": "demo"},
            "topic": {"S": "orders/create"}, "triggered_at": {"S": "2026-11-18T11:06:40Z"},
            "resource_id": {"S": "1"}, "payload_digest": {"S": "11111111111111111111111111111111"},
        }},
        "created_at": {"S": "2026-11-18T11:06:40Z"}, "state": {"S": state},
        "runs": {"L": [{"M": {
            "id": {"S": "event"}, "began_at": {"S": "2026-11-18T11:06:40Z"},
            "holder": {"M": {"message_id": {"S": "m-1"}, "lane": {"S": "fast"}}},
        }}]},
        "attempt_count": {"N": "1"},
        "attempts": {"L": [{"M": {
            "number": {"N": "1"}, "at": {"S": "2026-11-18T11:06:40Z"}, "status": {"N": "503"},
            "error": {"S": "the endpoint responded with 503"}, "latency_ms": {"N": "12"},
            "address": {"S": "https://b.example/hook"},
        }}]},
        "next_attempt_at": {"S": "2026-11-18T11:06:50Z"},
        "request": {"M": {
            "headers": {"L": [{"L": [{"S": "webhook-id"}, {"S": "7-e-1"}]}]},
            "shape": {"M": {
                "topic": {"S": "orders/create"}, "protocol": {"S": "webhook"}, "format": {"S": "json"},
                "fields": {"L": []}, "metafield_namespaces": {"L": []},
            }},
        }},
        "response": {"M": {"body": {"S": "no"}, "is_truncated": {"BOOL": false}}},
        "version": {"N": "1"}, "expires_at": {"N": "1797592000"},
    })
}

#[test]
fn an_app_stays_installed_with_its_token_and_its_secrets() -> Result<(), String> {
    let installation = json!({
        "pk": {"S": PK}, "sk": {"S": "INSTALLATION"}, "shop": {"S": "a.example"}, "app": {"S": "demo"},
        "store_id": {"S": "1001"}, "time_zone": {"S": "Australia/Sydney"},
        "scopes": {"L": [{"S": "webhooks"}, {"S": "events:push"}]},
        "secrets": {"L": [
            {"M": {"secret": {"S": "0123456789abcdef01234567"}, "retires_at": {"S": "2026-11-21T15:00:00Z"}}},
            {"M": {"secret": {"S": "abcdefabcdefabcdef012345"}}},
        ]},
        "installed_at": {"S": "2026-11-18T11:06:40Z"}, "token": {"S": TOKEN}, "version": {"N": "1"},
    });
    let item: InstallationItem = read(&installation)?;
    assert_eq!(item.token(), TOKEN);
    assert_eq!(item.webhook_count(), None, "the next one that is made counts them");
    let installed: Installation = item.into();
    for (at, secrets) in [("2026-11-20T00:00:00Z", 2), ("2026-11-22T00:00:00Z", 1)] {
        let at: Timestamp = at.parse().map_err(|error| format!("{error}"))?;
        assert_eq!(installed.signing_secrets(at).count(), secrets);
    }
    let token: TokenItem = read(&json!({
        "pk": {"S": TOKEN}, "sk": {"S": "TOKEN"}, "shop": {"S": "a.example"}, "app": {"S": "demo"},
        "scopes": {"L": [{"S": "webhooks"}]}, "time_zone": {"S": "Australia/Sydney"},
        "bucket_empty_at": {"N": "1795000000000000"},
    }))?;
    assert_eq!((token.shop.as_str(), token.bucket_empty_at), ("a.example", Some(1_795_000_000_000_000)));
    Ok(())
}

#[test]
fn a_webhook_stays_subscribed_and_its_failure_run_goes_on() -> Result<(), String> {
    let item: WebhookItem = read(&webhook())?;
    assert!(item.is_subscribed());
    assert_eq!((item.lane, item.webhook.version), (None, 1));
    let health: HealthItem = read(&json!({
        "pk": {"S": PK}, "sk": {"S": "FAILURES#00000000000000000007"}, "webhook_version": {"N": "1"},
        "since": {"S": "2026-11-18T11:06:40Z"}, "attempts": {"N": "19"}, "expires_at": {"N": "1797592000"},
    }))?;
    assert_eq!(health.run().map(|run| run.attempts), Some(19));
    assert!(!health.is_open());
    assert_eq!(health.webhook_id(), Some(item.webhook.id));
    Ok(())
}

#[test]
fn a_record_tells_what_its_next_message_may_do() -> Result<(), String> {
    let message = r#"{"envelope":{"id":"7-e-1","shop":"a.example","app":"demo","topic":"orders/create",
        "triggered_at":"2026-11-18T11:06:40Z","resource_id":"1","payload_digest":"11111111111111111111111111111111"},
        "enqueued_at":"2026-11-18T11:06:40Z","payload":{"id":1}}"#;
    let message = DeliveryMessage::parse(message.as_bytes()).map_err(|error| error.to_string())?;
    let now: Timestamp = "2026-11-18T11:06:51Z".parse().map_err(|error| format!("{error}"))?;
    let receive = Receive { message_id: "m-1", lane: Lane::Fast };
    for (state, expected, admission) in [
        ("retrying", DeliveryState::Retrying, Admission::Attempt),
        ("held", DeliveryState::Held, Admission::Attempt),
        ("delivered", DeliveryState::Delivered, Admission::Delivered),
    ] {
        let DeliveryItem { record } = read(&record(state))?;
        assert_eq!((record.state, record.held_for), (expected, None));
        assert_eq!(record.admission(&message, receive, now), admission, "{state}");
    }
    Ok(())
}

#[test]
fn a_replay_that_runs_goes_on() -> Result<(), String> {
    let item: ReplayItem = read(&json!({
        "pk": {"S": "REPLAY#7"}, "sk": {"S": "r1"},
        "replay": {"M": {
            "id": {"S": "r1"}, "webhook_id": {"N": "7"}, "shop": {"S": "a.example"}, "app": {"S": "demo"},
            "from": {"S": "1970-01-01T00:00:00Z"}, "to": {"S": "2026-11-21T15:00:00Z"},
            "state": {"S": "dead"}, "per_second": {"N": "50"}, "began_at": {"S": "2026-11-21T15:00:00Z"},
        }},
        "status": {"S": "running"}, "found": {"N": "3"}, "sent": {"N": "2"}, "expired": {"N": "1"},
        "steps": {"N": "1"}, "noted_by": {"S": "m-9"}, "after": {"S": "01795000000000000#e-1"},
        "pause": {"N": "5"}, "version": {"N": "2"}, "expires_at": {"N": "1797592000"},
    }))?;
    assert_eq!((item.record.counts.sent, item.record.counted, item.record.steps), (2, None, 1));
    Ok(())
}
