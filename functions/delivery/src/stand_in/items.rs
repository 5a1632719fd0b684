//! The items of both tables.

use jiff::ToSpan as _;
use serde_json::{Value, json};
use storehook_aws::stand_in::json_of;
use storehook_domain::job::recovery::{Phase, Recovery, probe::Opening};

/// The digest of the payload of each recorded delivery.
pub(crate) const PAYLOAD_DIGEST: &str = "00000000000000000000000000000000";

/// The items that a `BatchGetItem` asks for. The items of webhook 10 stay unprocessed.
pub(super) fn items_of(endpoint: &str, wanted: &Value) -> Value {
    let (mut responses, mut unprocessed) = (json!({}), json!({}));
    for (table, keys) in wanted.as_object().into_iter().flatten() {
        let keys = keys["Keys"].as_array().cloned().unwrap_or_default();
        let (left, read): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| webhook_of(key) == "10");
        responses[table] = read.iter().filter_map(|key| item_of(endpoint, table, key)).collect();
        if !left.is_empty() {
            unprocessed[table] = json!({ "Keys": left });
        }
    }
    json!({"Responses": responses, "UnprocessedKeys": unprocessed})
}

/// The webhook that a key of the registry belongs to; `""` for the installation's key.
fn webhook_of(key: &Value) -> &str {
    let sort_key = key["sk"]["S"].as_str().unwrap_or_default();
    sort_key.split_once('#').map_or("", |(_, id)| id.trim_start_matches('0'))
}

/// An item of a table, if it is there.
fn item_of(endpoint: &str, table: &str, key: &Value) -> Option<Value> {
    let text = |value: &str| json!({"S": value});
    let (id, sort_key) = (webhook_of(key), key["sk"]["S"].as_str().unwrap_or_default());
    if table == "history" {
        let id = key["pk"]["S"].as_str()?.strip_prefix("DELIVERY#")?;
        return match id.split_once('-') {
            Some(("12", _)) => Some(recorded(id, "delivered")),
            Some(("14", _)) => Some(recorded(id, "dead")),
            _ => None,
        };
    }
    let partition = key["pk"]["S"].as_str().unwrap_or_default();
    let shop = partition.trim_start_matches("SHOP#").split('#').next().unwrap_or_default();
    let mut own = if sort_key == "INSTALLATION" {
        json!({
            "store_id": text("0c1c9920-5c9c-012d-bd34-000c295ec56b"), "time_zone": text("UTC"), "scopes": {"L": []},
            "secrets": {"L": [{"M": {"secret": text("storehook-local-demo-secret")}}]},
            "installed_at": text("2026-11-21T15:00:00Z"), "token": text("TOKEN#0"),
        })
    } else if sort_key.starts_with("WEBHOOK#") {
        let (path, status) = match id {
            "7" | "12" | "14" => ("ok", "active"),
            "8" | "17" | "19" => ("broken", "active"),
            "18" | "20" => ("ok", "active"),
            "9" => ("ok", "paused"),
            "13" => ("delay", "active"),
            "15" => ("busy", "active"),
            "16" => ("together", "active"),
            _ => return None,
        };
        json!({
            "subscription": text("s"), "id": {"N": id}, "topic": text("*"), "address": text(&format!("{endpoint}/{path}")),
            "format": text("json"), "protocol": text(if path == "delay" { "integration" } else { "webhook" }),
            "status": text(status), "fields": {"L": []}, "metafield_namespaces": {"L": []}, "custom_headers": {"M": {}},
            "created_at": text("2026-11-21T15:00:00Z"), "updated_at": text("2026-11-21T15:00:00Z"), "version": {"N": "1"},
        })
    } else if sort_key.starts_with("FAILURES#") {
        health_of(id)?
    } else {
        return None;
    };
    if sort_key == "INSTALLATION" && shop == "uninstalled.example" {
        own["uninstalled_at"] = text("2026-11-22T15:00:00Z");
    }
    let mut item = json!({
        "pk": key["pk"], "sk": key["sk"], "shop": text(shop), "app": text("demo"),
    });
    item.as_object_mut()?.extend(own.as_object()?.clone());
    Some(item)
}

/// The health of a webhook, if it has failed. The breakers of 17, 18 and 20 are open, and the next
/// probe of 20 is overdue. 2,000 deliveries to 19 wait for a retry.
fn health_of(webhook_id: &str) -> Option<Value> {
    let now = storehook_aws::now();
    let due_in = match webhook_id {
        "17" | "18" => 60.minutes(),
        "20" => -2.minutes(),
        "19" => return Some(json!({"waiting": {"N": "2000"}})),
        _ => return None,
    };
    let since = now - 10.minutes();
    let recovery = Recovery {
        opening: "1".to_owned(),
        phase: Phase::Open(Opening { since, probes: 3, probed: Vec::new() }),
        from: since - 48.hours(),
        steps: 3,
        noted_by: None,
        due_at: Some(now + due_in),
    };
    Some(json!({"recovery": json_of(json!({"r": recovery})).ok()?["r"], "recovery_version": {"N": "4"}}))
}

/// The record of a delivery whose own run has ended so, as message `before`.
fn recorded(id: &str, end: &str) -> Value {
    let text = |value: &str| json!({"S": value});
    let number = |value: &str| json!({"N": value});
    let (webhook_id, event_id) = id.split_once('-').unwrap_or_default();
    json!({
        "pk": text(&format!("DELIVERY#{id}")), "sk": text("DELIVERY"),
        "webhook_shard": text(&format!("WEBHOOK#{webhook_id}#0")), "position": text(&format!("01795000000000000#{event_id}")),
        "envelope": {"M": {
            "id": text(id), "shop": text("a.example"), "app": text("demo"), "topic": text("orders/create"),
            "triggered_at": text("2026-11-21T15:00:00Z"), "payload_digest": text(PAYLOAD_DIGEST),
        }},
        "runs": {"L": [{"M": {
            "id": text("event"), "began_at": text("2026-11-21T15:00:00Z"), "end": text(end),
            "holder": {"M": {"message_id": text("before"), "lane": text("slow")}},
        }}]},
        "created_at": text("2026-11-21T15:00:00Z"), "state": text(end), "attempt_count": number("1"),
        "attempts": {"L": []}, "version": number("1"), "expires_at": number("99999999999"),
    })
}
