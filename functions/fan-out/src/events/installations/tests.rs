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
use crate::tests::stand_in::{dependencies_on, target_of};

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
