//! The end of an installation, on a stand-in for DynamoDB that loses responses.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use jiff::ToSpan as _;
use serde_json::{Value, json};
use storehook_domain::event::origin::RecordOrigin;

use super::*;
use storehook_aws::stand_in::StandIn;

use crate::{
    handle,
    tests::{
        batch_of,
        stand_in::{dependencies_of, dependencies_on, target_of},
        times,
    },
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// What the stand-in responds to a call.
enum Reply {
    /// The items that a query finds.
    Items(Value),
    /// The write is made.
    Made,
    /// The write is made, and nobody is told.
    Lost,
    /// The condition refuses the write.
    Refused,
    /// A transaction over the item is under way.
    InTransaction,
}

/// The replies to come, and the calls so far.
#[derive(Default)]
struct Aws {
    replies: VecDeque<Reply>,
    calls: Vec<(String, Value)>,
}

async fn respond(
    State(aws): State<Arc<Mutex<Aws>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let operation = target_of(&headers).1.to_owned();
    let mut aws = aws.lock().unwrap();
    aws.calls.push((operation, serde_json::from_slice(&body).unwrap_or_default()));
    let error = |name: &str| json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}")});
    match aws.replies.pop_front() {
        Some(Reply::Items(items)) => (StatusCode::OK, Json(json!({"Items": items}))),
        Some(Reply::Made) => (StatusCode::OK, Json(json!({}))),
        Some(Reply::Refused) => (StatusCode::BAD_REQUEST, Json(error("ConditionalCheckFailedException"))),
        Some(Reply::InTransaction) => (StatusCode::BAD_REQUEST, Json(error("TransactionConflictException"))),
        Some(Reply::Lost) | None => (StatusCode::INTERNAL_SERVER_ERROR, Json(error("InternalServerError"))),
    }
}

/// Ends the installation by event `u-1` with these replies, and returns what was called.
async fn uninstall(replies: Vec<Reply>) -> Result<Vec<(String, Value)>, Box<dyn std::error::Error>> {
    let aws: Arc<Mutex<Aws>> = Arc::default();
    aws.lock().unwrap().replies.extend(replies);
    let router = Router::new().fallback(post(respond)).with_state(aws.clone());
    let installations = dependencies_on(router).await?.installations;
    let record = json!({
        "shop": "a.example", "app": "demo", "topic": "app/uninstalled", "event_id": "u-1", "triggered_at": NOON,
        "payload": {},
    });
    let record = record.to_string();
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let times = Times::begin(storehook_aws::now, storehook_aws::now() + 60.seconds());
    installations.uninstall(&event, &AppId::parse("demo")?, times).await?;
    let calls = aws.lock().unwrap().calls.clone();
    Ok(calls)
}

const NOON: &str = "2026-11-21T12:00:00Z";

/// The installation, as it was installed at `installed_at`, with more of it.
fn installation(installed_at: &str, more: Value) -> Value {
    let text = |value: &str| json!({"S": value});
    let mut item = json!({
        "pk": text("SHOP#a.example#APP#demo"), "sk": text("INSTALLATION"), "shop": text("a.example"),
        "app": text("demo"), "store_id": text("s"), "time_zone": text("UTC"), "scopes": {"L": []},
        "secrets": {"L": []}, "installed_at": text(installed_at), "token": text("TOKEN#0"),
    });
    if let (Some(item), Value::Object(more)) = (item.as_object_mut(), more) {
        item.extend(more);
    }
    item
}

fn ending() -> Value {
    installation(NOON, json!({"uninstalled_at": {"S": NOON}, "ended_by": {"L": [{"S": "u-1"}]}}))
}

fn operations(calls: &[(String, Value)]) -> Vec<&str> {
    calls.iter().map(|(operation, _)| operation.as_str()).collect()
}

#[tokio::test]
async fn writes_whose_responses_are_lost_are_found_made() -> TestResult {
    let slot =
        json!({"pk": {"S": "SHOP#a.example#APP#demo"}, "sk": {"S": "UNIQUE#0"}, "webhook_id": {"N": "7"}});
    let replies = vec![
        Reply::Items(json!([installation(NOON, json!({}))])),
        // The mark.
        Reply::Lost,
        Reply::Refused,
        Reply::Items(json!([ending()])),
        // The token, the slot, the installation.
        Reply::Made,
        Reply::Items(json!([ending(), slot])),
        Reply::Lost,
        Reply::Made,
        Reply::Lost,
        Reply::Made,
    ];
    let calls = uninstall(replies).await?;
    let mark = ["Query", "UpdateItem", "UpdateItem", "Query"];
    let rest = ["DeleteItem", "Query", "UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem"];
    assert_eq!(operations(&calls), [mark.as_slice(), &rest].concat());
    assert_eq!(
        calls[6].1["ConditionExpression"], "webhook_id = :webhook_id",
        "no later slot of the same key"
    );
    assert_eq!(calls[8].1["ConditionExpression"], "#token = :token", "no later installation");
    // The delivery of the event still needs the installation: the schedule has two days.
    for call in [6, 8] {
        let expires_at = &calls[call].1["ExpressionAttributeValues"][":expires_at"]["N"];
        let expires_at: i64 = expires_at.as_str().unwrap_or_default().parse()?;
        let lasts = expires_at - storehook_aws::now().as_second();
        assert!((UNINSTALLED_KEPT.as_secs() - 60..=UNINSTALLED_KEPT.as_secs()).contains(&lasts), "{lasts} s");
    }
    Ok(())
}

#[tokio::test]
async fn an_installation_that_a_transaction_checks_is_marked_after_it() -> TestResult {
    let installed = || Reply::Items(json!([installation(NOON, json!({}))]));
    let rest = [Reply::Made, Reply::Made, Reply::Items(json!([ending()])), Reply::Made];
    let calls =
        uninstall([installed(), Reply::InTransaction, installed()].into_iter().chain(rest).collect()).await?;
    assert_eq!(
        operations(&calls),
        ["Query", "UpdateItem", "Query", "UpdateItem", "DeleteItem", "Query", "UpdateItem"]
    );
    Ok(())
}

#[tokio::test]
async fn an_event_ends_no_later_installation_and_none_twice() -> TestResult {
    let ended = json!({"uninstalled_at": {"S": NOON}, "expires_at": {"N": "1"}});
    for (what, items) in [
        ("none is there", json!([])),
        ("it is ended", json!([installation(NOON, ended)])),
        ("it began later", json!([installation("2026-11-21T12:01:01Z", json!({}))])),
        (
            "the event ended an earlier one",
            json!([installation(
                "2026-11-21T12:00:30Z",
                json!({"ended_by": {"L": [{"S": "u-0"}, {"S": "u-1"}]}})
            )]),
        ),
    ] {
        assert_eq!(operations(&uninstall(vec![Reply::Items(items)]).await?), ["Query"], "{what}");
    }
    Ok(())
}

/// Clocks differ by up to a minute.
#[tokio::test]
async fn an_installation_that_began_a_minute_later_is_ended() -> TestResult {
    let installed = Reply::Items(json!([installation("2026-11-21T12:01:00Z", json!({}))]));
    let rest = [Reply::Made, Reply::Made, Reply::Items(json!([ending()])), Reply::Made];
    let calls = uninstall([installed].into_iter().chain(rest).collect()).await?;
    assert_eq!(operations(&calls), ["Query", "UpdateItem", "DeleteItem", "Query", "UpdateItem"]);
    Ok(())
}

#[tokio::test]
async fn an_item_in_a_transaction_is_cleared_after_it_and_a_cleared_one_is_left_alone() -> TestResult {
    let webhook = |more: Value| {
        let mut item = json!({"pk": {"S": "SHOP#a.example#APP#demo"}, "sk": {"S": "WEBHOOK#7"}});
        item.as_object_mut()
            .into_iter()
            .for_each(|item| item.extend(more.as_object().cloned().unwrap_or_default()));
        item
    };
    let left = webhook(json!({"subscription": {"S": "SHOP#a.example#TOPIC#*"}}));
    let cleared = webhook(json!({"expires_at": {"N": "1"}}));
    let replies = vec![
        Reply::Items(json!([ending()])),
        Reply::Made,
        Reply::Items(json!([ending(), left, cleared])),
        Reply::InTransaction,
        Reply::Made,
        // Another installation has taken its place: nothing is left to do.
        Reply::Refused,
    ];
    let calls = uninstall(replies).await?;
    let expected = ["Query", "DeleteItem", "Query", "UpdateItem", "UpdateItem", "UpdateItem"];
    assert_eq!(operations(&calls), expected);
    let change = calls[3].1["UpdateExpression"].as_str().unwrap_or_default();
    assert!(change.ends_with("version = version + :one REMOVE subscription"), "{change}");
    Ok(())
}

/// An app's other events end nothing, and neither does another app's uninstallation.
#[tokio::test]
async fn only_the_uninstallation_of_an_app_ends_its_installation() -> TestResult {
    for (topic, seconds_left, queries, failures) in
        [("app/uninstalled", 60, 2, 0), ("orders/create", 60, 1, 0), ("app/uninstalled", 5, 0, 1)]
    {
        let aws = StandIn::start().await?;
        let record =
            format!(r#"{{"shop": "a.example", "app": "demo", "topic": "{topic}", "payload": {{}}}}"#);
        let response = handle(&dependencies_of(&aws)?, batch_of(&[record])?, times(seconds_left)).await;
        let failed = serde_json::to_value(response)?["batchItemFailures"].as_array().map(Vec::len);
        assert_eq!((aws.calls("Query").len(), failed), (queries, Some(failures)), "{topic}");
    }
    Ok(())
}
