//! Tests of the health of webhooks, on a stand-in for AWS.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use storehook_aws::{
    registry::{HealthItem, WebhookItem},
    stand_in::{json_of, logged},
};
use storehook_domain::{
    job::recovery::{Recovery, RecoveryRules},
    webhook::health::failure_run::FailureRun,
};

use crate::stand_in::{Api, TestResult, webhook};

const RULES: RecoveryRules = RecoveryRules { waiting_limit: 2_000, most_per_second: 100, time_scale: 1.0 };
const OFF: [(&str, &str); 2] = [("RATE_LIMIT_BURST", "0"), ("HISTORY_DELIVERY_DAYS", "0")];

/// The recovery of a webhook whose breaker opened two minutes before 15:00.
fn recovery() -> Result<Recovery, Box<dyn std::error::Error>> {
    let at: Timestamp = "2026-11-21T14:58:00Z".parse()?;
    let run = FailureRun { since: at - SignedDuration::from_mins(3), attempts: 100 };
    Ok(Recovery::opened(&run, None, at, &RULES))
}

/// The health item of the webhook 7, whose breaker is open.
fn open() -> Result<HealthItem, Box<dyn std::error::Error>> {
    let run = FailureRun { since: "2026-11-21T14:55:00Z".parse()?, attempts: 100 };
    Ok(HealthItem::of(&webhook(json!({}))?.key(), 3, Some(run), Some(recovery()?)))
}

/// A page of the index with so many held deliveries.
fn held(number: u32) -> Value {
    let item = |index| {
        json!({
            "position": {"S": format!("{index:017}#e{index}")}, "state": {"S": "held"},
            "expires_at": {"N": "4000000000"},
        })
    };
    json!({"Items": (0..number).map(item).collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_page_of_webhooks_reads_their_health_in_one_query() -> TestResult {
    let failing = [json!("2026-11-21T20:25:00+05:30"), json!("2026-11-21T20:29:00+05:30")];
    for (query, settings, queries) in [
        ("", &OFF[..1], 2),
        ("?fields=id,disables_at", &OFF[..1], 2),
        ("?fields=id,status,held_count", &OFF[..1], 1),
        ("", &OFF, 1),
    ] {
        let api = Api::with(settings).await?;
        let other = webhook(json!({"id": 9, "topic": "orders/paid"}))?;
        api.reply("Query", json!({"Items": [json_of(WebhookItem::of(webhook(json!({}))?))?, json_of(WebhookItem::of(other))?]}));
        api.reply("Query", json!({"Items": [json_of(open()?)?]}));
        let (status, _, list) = api.send(&format!("GET /admin/webhooks.json{query}"), Value::Null).await?;
        assert_eq!(status, StatusCode::OK);
        let calls = api.calls("Query");
        assert_eq!(calls.len(), queries, "{query} {settings:?}");
        if let Some(call) = calls.get(1) {
            let values = &call["ExpressionAttributeValues"];
            assert_eq!(values[":first"], json!({"S": "FAILURES#00000000000000000007"}));
            assert_eq!(values[":last"], json!({"S": "FAILURES#00000000000000000009"}));
            assert_eq!(list["webhooks"][0]["disables_at"], "2026-11-26T20:25:00+05:30");
        }
        let shown = |index: usize| {
            ["failing_since", "next_probe_at"].map(|name| list["webhooks"][index][name].clone())
        };
        let is_shown = query.is_empty() && queries == 2;
        assert_eq!(shown(0) == failing, is_shown, "{query}: {list}");
        assert_eq!(shown(1), [Value::Null, Value::Null]);
        assert!(list["webhooks"][0].get("held_count").is_none(), "a list does not count");
    }
    let api = Api::start().await?;
    api.send("GET /admin/webhooks", Value::Null).await?;
    assert_eq!(api.calls("Query").len(), 1, "an empty page has no health");
    Ok(())
}

#[tokio::test]
async fn one_webhook_shows_its_health_and_how_many_deliveries_are_held() -> TestResult {
    for (query, settings, reads, count) in [
        ("", &OFF[..1], 4, Some(json!(6))),
        ("?fields=held_count", &OFF[..1], 4, Some(json!(6))),
        ("?fields=id,failing_since", &OFF[..1], 0, None),
        ("", &OFF, 0, Some(json!(0))),
    ] {
        let api = Api::with(settings).await?;
        api.put(open()?)?;
        api.reply("Query", held(4));
        api.reply("Query", held(2));
        let (_, _, body) = api.send(&format!("GET /admin/webhooks/7.json{query}"), Value::Null).await?;
        assert_eq!(api.calls("Query").len(), reads, "{query} {settings:?}");
        assert_eq!(body["webhook"].get("held_count"), count.as_ref(), "{query} {settings:?}");
        let is_failing = query != "?fields=held_count" && settings.len() == 1;
        assert_eq!(body["webhook"]["failing_since"].is_string(), is_failing, "{query} {settings:?}: {body}");
    }
    Ok(())
}

#[tokio::test]
async fn held_deliveries_are_counted_up_to_a_thousand_and_not_at_all_if_the_history_fails() -> TestResult {
    let api = Api::start().await?;
    api.reply("Query", held(1_200));
    let (_, _, body) = api.send("GET /admin/webhooks/7.json", Value::Null).await?;
    assert_eq!(body["webhook"]["held_count"], 1_000);
    let api = Api::start().await?;
    api.refuse("Query", Value::Null);
    let (answer, lines) = logged(api.send("GET /admin/webhooks/7.json", Value::Null)).await;
    let (status, _, body) = answer?;
    assert_eq!((status, &body["webhook"]["held_count"]), (StatusCode::OK, &Value::Null));
    assert!(lines.iter().any(|line| line["message"] == "held deliveries not counted"), "{lines:?}");
    Ok(())
}

/// A change of a webhook, and how many steps it queues.
async fn changed(
    before: Value,
    change: Value,
    health: Option<HealthItem>,
    settings: &[(&str, &str)],
) -> Result<(Api, usize), Box<dyn std::error::Error>> {
    let api = Api::with(settings).await?;
    api.put(WebhookItem::of(webhook(before)?))?;
    if let Some(health) = health {
        api.put(health)?;
    }
    let (status, ..) = api.send("PUT /admin/webhooks/7", json!({"webhook": change})).await?;
    assert_eq!(status, StatusCode::OK);
    let steps = api.calls("SendMessage").len();
    assert_eq!(api.calls("UpdateItem").len(), steps, "a step that is queued is noted first");
    Ok((api, steps))
}

#[tokio::test]
async fn a_change_brings_the_next_step_of_a_recovery_at_once() -> TestResult {
    let key = webhook(json!({}))?.key();
    let parked = HealthItem::of(&key, 3, None, Some(Recovery { due_at: None, ..recovery()? }));
    let well = HealthItem::of(&key, 3, Some(FailureRun { since: Timestamp::UNIX_EPOCH, attempts: 1 }), None);
    let (active, paused) = (|| json!({}), || json!({"status": "paused"}));
    let (resumes, pauses, edits) =
        (|| json!({"status": "active"}), || json!({"status": "paused"}), || json!({"fields": ["id"]}));
    for (what, before, change, health, settings, steps) in [
        ("an edit", active(), edits(), Some(open()?), &OFF[..1], 1),
        ("resuming", paused(), resumes(), Some(parked.clone()), &OFF[..1], 1),
        ("no change", active(), resumes(), Some(open()?), &OFF[..1], 0),
        ("pausing", active(), pauses(), Some(open()?), &OFF[..1], 0),
        ("an edit while it is paused", paused(), edits(), Some(parked), &OFF[..1], 0),
        ("nothing is held", active(), edits(), Some(well), &OFF[..1], 0),
        ("it never failed", active(), edits(), None, &OFF[..1], 0),
        ("the history is off", active(), edits(), Some(open()?), &OFF, 0),
    ] {
        let (api, queued) = changed(before, change, health, settings).await?;
        assert_eq!(queued, steps, "{what}");
        for (write, message) in api.calls("UpdateItem").iter().zip(api.calls("SendMessage")) {
            let values = &write["ExpressionAttributeValues"];
            assert_eq!((&values[":before"], &values[":after"]), (&json!({"N": "1"}), &json!({"N": "2"})));
            assert_eq!(message["QueueUrl"], "https://sqs/jobs");
            let job: Value = serde_json::from_str(message["MessageBody"].as_str().unwrap_or_default())?;
            assert_eq!((&job["recovery"]["number"], &job["recovery"]["webhook_id"]), (&json!(1), &json!(7)));
            let due =
                values[":recovery"]["M"]["due_at"]["S"].as_str().unwrap_or_default().parse::<Timestamp>()?;
            let waits = storehook_aws::now().duration_since(due).as_secs();
            assert!(
                (0..60).contains(&waits) && message["DelaySeconds"].as_u64() == Some(0),
                "{what}: {waits} s"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_step_that_is_made_meanwhile_and_a_queue_that_fails_do_not_fail_a_change() -> TestResult {
    let change = || json!({"webhook": {"fields": ["id"]}});
    let api = Api::start().await?;
    api.put(open()?)?;
    api.refuse("UpdateItem", json_of(open()?)?);
    let (status, ..) = api.send("PUT /admin/webhooks/7", change()).await?;
    let calls = (api.calls("UpdateItem").len(), api.calls("SendMessage").len());
    assert_eq!((status, calls), (StatusCode::OK, (2, 1)), "it is hurried from what is there now");

    let api = Api::start().await?;
    api.put(open()?)?;
    api.refuse("SendMessage", Value::Null);
    let (answer, lines) = logged(api.send("PUT /admin/webhooks/7", change())).await;
    assert_eq!(answer?.0, StatusCode::OK);
    assert!(lines.iter().any(|line| line["message"] == "recovery not hurried"), "{lines:?}");
    Ok(())
}
