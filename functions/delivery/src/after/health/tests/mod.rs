//! What health writes, to a stand-in on the wire that loses responses.

mod breaker;
mod runs;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use serde_json::{Value, json};
use storehook_aws::registry::HealthItem;
use storehook_domain::{delivery::lane::Lane, installation::Installation};

use storehook_aws::table::{self, Item, number, text};
use storehook_domain::webhook::health::failure_run::FailureRun;

use super::*;
use crate::stand_in::{delivery, dependencies_at, operation_of};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// What the stand-in responds to a call.
#[derive(Clone)]
enum Reply {
    /// The call is made.
    Made(Value),
    /// The call is made, or not: it fails, and is sent again.
    Lost,
    /// The call is never answered.
    Silence,
    /// The condition refuses the write, because the item is this.
    Refused(Item),
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
    let call = (operation_of(&headers).to_owned(), serde_json::from_slice(&body).unwrap_or_default());
    let reply = {
        let mut aws = aws.lock().unwrap();
        aws.calls.push(call);
        aws.replies.pop_front()
    };
    match reply {
        Some(Reply::Silence) => std::future::pending().await,
        Some(Reply::Made(response)) => (StatusCode::OK, Json(response)),
        Some(Reply::Refused(item)) => {
            let item = json_of_item(&item);
            let error = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
            (StatusCode::BAD_REQUEST, Json(json!({"__type": error, "Item": item})))
        }
        Some(Reply::Lost) | None => {
            (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"__type": "InternalServerError"})))
        }
    }
}

fn json_of_item(item: &Item) -> Value {
    storehook_aws::stand_in::json_of_item(item.clone())
}

/// Records an outcome with these replies, and returns the calls that were made.
async fn calls_of(
    outcome: Outcome,
    replies: impl IntoIterator<Item = Reply>,
) -> Result<Vec<(String, Value)>, Box<dyn std::error::Error>> {
    let (recorded, calls) = record(outcome, replies).await?;
    recorded?;
    Ok(calls)
}

/// The same, and whether the outcome was recorded.
async fn record(
    outcome: Outcome,
    replies: impl IntoIterator<Item = Reply>,
) -> Result<(Result<bool, HealthError>, Vec<(String, Value)>), Box<dyn std::error::Error>> {
    record_for(target()?, "30", outcome, replies).await
}

/// The same for a webhook that has this failure run at this version, without a history and so
/// without a breaker.
async fn record_in_run(
    (version, run): (u64, FailureRun),
    outcome: Outcome,
    replies: impl IntoIterator<Item = Reply>,
) -> Result<Vec<(String, Value)>, Box<dyn std::error::Error>> {
    let health = table::from_item(run_item(version, run)?)?;
    let target = Target { health, ..target()? };
    let (recorded, calls) = record_for(target, "0", outcome, replies).await?;
    recorded?;
    Ok(calls)
}

/// The same with a history that is kept for this many days.
async fn record_for(
    target: Target,
    history_days: &str,
    outcome: Outcome,
    replies: impl IntoIterator<Item = Reply>,
) -> Result<(Result<bool, HealthError>, Vec<(String, Value)>), Box<dyn std::error::Error>> {
    let aws: Arc<Mutex<Aws>> = Arc::default();
    aws.lock().unwrap().replies.extend(replies);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(post(respond)).with_state(aws.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let health = dependencies_at(&url, history_days)?.health;
    let body = delivery(7, 0);
    let message = DeliveryMessage::parse(body.as_bytes())?;
    let attempt = Attempt {
        at: NOW,
        latency: Duration::ZERO,
        address: "https://b.example/".to_owned(),
        request: None,
        status: None,
        response: None,
        outcome,
        details: None,
    };
    let (message, attempt, target) = (&message, &attempt, &target);
    let recorded = health.record_outcome(&Counted { message, attempt, target, waiting: 0, now: NOW }).await;
    let calls = aws.lock().unwrap().calls.clone();
    Ok((recorded, calls))
}

const BY: &str = "7-e0 1970-01-01T00:00:00Z";
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn target() -> Result<Target, serde_json::Error> {
    let webhook: Webhook = serde_json::from_value(json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "*", "address": "https://b.example/", "format": "json",
        "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [], "custom_headers": {},
        "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z", "version": 3,
    }))?;
    let Webhook { shop, app, .. } = &webhook;
    let installation = Installation {
        shop: shop.clone(),
        app: app.clone(),
        store_id: "s".to_owned(),
        time_zone: "UTC".to_owned(),
        scopes: Vec::new(),
        secrets: Vec::new(),
        uninstalled_at: None,
    };
    Ok(Target { webhook, installation, lane: Lane::Fast, lane_since: None, health: HealthItem::default() })
}

fn failed(status: u16) -> Outcome {
    Outcome::Failed { reason: FailedAttempt::Status(status), retry_after: None }
}

fn operations(calls: &[(String, Value)]) -> Vec<&str> {
    calls.iter().map(|(operation, _)| operation.as_str()).collect()
}

fn webhook_item(version: u64, by: &str) -> Item {
    [("version".to_owned(), number(version)), ("status_by".to_owned(), text(by))].into()
}

#[tokio::test]
async fn an_app_is_told_although_the_response_to_the_disabling_was_lost() -> TestResult {
    let put = Reply::Made(json!({"ShardId": "s", "SequenceNumber": "1"}));
    let own = Reply::Refused(webhook_item(4, BY));
    let (recorded, calls) = record(failed(410), [Reply::Lost, own, put]).await?;
    assert!(matches!(recorded, Ok(true)), "it disabled the webhook: {recorded:?}");
    assert_eq!(operations(&calls), ["UpdateItem", "UpdateItem", "PutRecord"]);
    Ok(())
}

/// With its version the webhook keeps its failure run.
#[tokio::test]
async fn a_webhook_whose_app_cannot_be_told_is_as_it_was() -> TestResult {
    let made = || Reply::Made(json!({}));
    // The SDK does not repeat a call that was refused, so the time that it takes is not random.
    let replies = [made(), Reply::Refused(Item::new()), made()];
    let (recorded, calls) = record(failed(410), replies).await?;
    assert!(matches!(recorded, Err(HealthError::Stream(_))), "{recorded:?}");
    assert_eq!(operations(&calls), ["UpdateItem", "PutRecord", "UpdateItem"]);
    assert_eq!(statuses(&calls), disabled_and_back());
    Ok(())
}

/// The stream has a share of the time that a call may take. What is left is for enabling the
/// webhook again.
#[tokio::test]
async fn a_stream_that_is_silent_leaves_the_time_to_enable_the_webhook_again() -> TestResult {
    let made = || Reply::Made(json!({}));
    let (recorded, calls) = record(failed(410), [made(), Reply::Silence, made()]).await?;
    assert!(matches!(recorded, Err(HealthError::SlowStream(_))), "{recorded:?}");
    assert_eq!(operations(&calls), ["UpdateItem", "PutRecord", "UpdateItem"]);
    assert_eq!(statuses(&calls), disabled_and_back());
    Ok(())
}

/// The status that each update sets, and the versions before and after it.
fn statuses(calls: &[(String, Value)]) -> Vec<[Value; 3]> {
    let updates = calls.iter().filter(|(operation, _)| operation == "UpdateItem");
    let values = updates.map(|(_, call)| &call["ExpressionAttributeValues"]);
    values.map(|values| [":status", ":before", ":after"].map(|name| values[name].clone())).collect()
}

/// A webhook of version 3 that is disabled, and then is as it was.
fn disabled_and_back() -> [[Value; 3]; 2] {
    [
        [json!({"S": "disabled"}), json!({"N": "3"}), json!({"N": "4"})],
        [json!({"S": "active"}), json!({"N": "4"}), json!({"N": "3"})],
    ]
}

#[tokio::test]
async fn only_the_attempt_that_disabled_a_webhook_tells_its_app() -> TestResult {
    for found in [webhook_item(4, "8-e2 now"), webhook_item(5, BY), Item::new()] {
        let (recorded, calls) = record(failed(410), [Reply::Refused(found)]).await?;
        assert!(matches!(recorded, Ok(false)), "another attempt did: {recorded:?}");
        assert_eq!(operations(&calls), ["UpdateItem"]);
    }
    Ok(())
}

/// The item of a run of webhook 7 at this version.
fn run_item(version: u64, run: FailureRun) -> Result<Item, Box<dyn std::error::Error>> {
    let webhook = Webhook { version, ..target()?.webhook };
    Ok(table::to_item(HealthItem::of(&webhook.key(), version, Some(run), None))?)
}
