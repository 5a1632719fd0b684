//! A stand-in for DynamoDB and SQS, and for the endpoints of a few webhooks, over the wire.

mod items;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes as Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use jiff::ToSpan as _;
use serde_json::{Value, json};
use storehook_aws::{AwsConfig, Environment, history::DeliveryItem, metrics::Tally, stand_in::from_json};

use tokio::sync::Barrier;

use crate::{Dependencies, PLACES, Settings, handle};

pub(crate) use items::PAYLOAD_DIGEST;

/// The hidden messages, by receipt handle: for how many seconds, and in which queue.
pub(crate) type Hidden = BTreeMap<String, (i64, String)>;

/// The webhooks of the registry. The endpoint of 7 responds 200, that of 8 responds 500, that of 13
/// asks for a delay, and that of 15 asks for a wait of an hour (`Retry-After`). That of 16 responds to
/// as many requests at once as a host has places. 9 is paused, and 10
/// cannot be read. The delivery to 12 was delivered before, and the delivery to 14 is dead; the
/// message of both is `before`. The stand-in itself is the endpoints.
#[derive(Clone, Default)]
struct Aws {
    url: String,
    history: Table,
    seen: Arc<Mutex<Seen>>,
    gathered: Arc<Gathered>,
}

/// Requests that wait for each other.
struct Gathered(Barrier);

impl Default for Gathered {
    fn default() -> Self {
        Self(Barrier::new(PLACES))
    }
}

/// What the history table does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Table {
    /// It works.
    #[default]
    Works,
    /// It refuses every call.
    Refuses,
    /// It never responds.
    IsSilent,
}

/// The calls that the stand-in got, and the function's response to the batch.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) failed: Vec<String>,
    pub(crate) hidden: Hidden,
    pub(crate) sent: Vec<Value>,
    /// The last recorded state of each delivery, by webhook.
    pub(crate) kept: BTreeMap<String, String>,
    /// How many attempts are recorded of each delivery.
    pub(crate) attempts: BTreeMap<String, usize>,
    /// When the record of each delivery expires, in seconds.
    pub(crate) expiries: BTreeMap<String, i64>,
    /// How many requests wait for each other, and how many did so at the same time.
    pub(crate) gathered: (usize, usize),
    /// The keys that each read asked for.
    pub(crate) reads: Vec<Value>,
    /// How many writes there were in both tables, by kind.
    pub(crate) writes: BTreeMap<String, usize>,
    /// What was counted.
    pub(crate) tally: Tally,
}

impl Seen {
    pub(crate) fn attempts_of(&self, webhook_id: &str) -> usize {
        self.attempts.get(webhook_id).copied().unwrap_or_default()
    }
}

/// Works on messages, given by receipt handle.
pub(crate) async fn deliver_all(messages: &[(&str, String)]) -> Result<Seen, Box<dyn std::error::Error>> {
    deliver_with(messages, "30", Table::Works).await
}

/// The same, with a history that is kept for this many days and that works or not.
pub(crate) async fn deliver_with(
    messages: &[(&str, String)],
    history_days: &str,
    history: Table,
) -> Result<Seen, Box<dyn std::error::Error>> {
    deliver_by(messages, history_days, history, |_| Ok(())).await
}

/// The same, with something changed of what the function needs.
pub(crate) async fn deliver_by(
    messages: &[(&str, String)],
    history_days: &str,
    history: Table,
    change: impl FnOnce(&mut Dependencies) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<Seen, Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let aws = Aws { url: format!("http://{}", listener.local_addr()?), history, ..Aws::default() };
    let router = Router::new()
        .route("/ok", post(async || StatusCode::OK))
        .route(
            "/delay",
            post(async |Json(sent): Json<Value>| {
                Json(json!({"event_id": sent["event_id"], "result": "delay", "delay": 90}))
            }),
        )
        .route("/together", post(together))
        .route("/busy", post(async || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")])))
        .route("/broken", post(async || StatusCode::INTERNAL_SERVER_ERROR))
        .fallback(post(answer))
        .with_state(aws.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let mut dependencies = dependencies_at(&aws.url, history_days)?;
    change(&mut dependencies)?;
    let records = messages.iter().map(|(handle, body)| {
        let queue = if handle.ends_with("retry") { "arn:retry" } else { "arn:delivery" };
        let attributes = json!({"ApproximateReceiveCount": if handle.contains("again") { "2" } else { "1" }});
        json!({
            "messageId": handle, "receiptHandle": handle, "body": body, "eventSourceARN": queue, "attributes": attributes,
        })
    });
    let batch = serde_json::from_value(json!({"Records": records.collect::<Vec<_>>()}))?;
    let response = handle(&dependencies, batch).await;
    let failed = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier);
    let mut failed: Vec<_> = failed.collect();
    failed.sort();
    let seen = aws.seen.lock().map_err(|error| error.to_string())?.clone();
    Ok(Seen { failed, tally: dependencies.meter.take(), ..seen })
}

/// What the function needs to call AWS, with AWS at this URL and a history that is kept for this
/// many days.
pub(crate) fn dependencies_at(
    aws: &str,
    history_days: &str,
) -> Result<Dependencies, Box<dyn std::error::Error>> {
    let environment: Environment = [
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", aws),
        ("REGISTRY_TABLE", "registry"),
        ("HISTORY_TABLE", "history"),
        ("HISTORY_DELIVERY_DAYS", history_days),
        ("STREAM_NAME", "events"),
        ("DELIVERY_QUEUE_ARN", "arn:delivery"),
        ("DELIVERY_QUEUE_URL", "https://sqs/delivery"),
        ("RETRY_QUEUE_ARN", "arn:retry"),
        ("RETRY_QUEUE_URL", "https://sqs/retry"),
        ("JOBS_QUEUE_URL", "https://sqs/jobs"),
        ("ALLOWED_CIDRS", "127.0.0.0/8"),
        ("LOG_SUCCESSES", "yes"),
    ]
    .into_iter()
    .collect();
    Ok(Dependencies::new(&AwsConfig::read(&environment)?, Settings::read(&environment)?)?)
}

/// The operation that a call is for.
pub(crate) fn operation_of(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}

async fn together(State(aws): State<Aws>) {
    let change = |change: fn(&mut (usize, usize))| change(&mut aws.seen.lock().unwrap().gathered);
    change(|(now, most)| (*now, *most) = (*now + 1, (*most).max(*now + 1)));
    aws.gathered.0.wait().await;
    change(|(now, _)| *now -= 1);
}

async fn answer(State(aws): State<Aws>, headers: HeaderMap, body: Body) -> (StatusCode, Json<Value>) {
    let call: Value = serde_json::from_slice(&body).unwrap_or_default();
    let operation = operation_of(&headers);
    let is_of_history = call["TableName"] == "history" || call["RequestItems"]["history"] != Value::Null;
    match aws.history {
        Table::IsSilent if is_of_history => return std::future::pending().await,
        Table::Refuses if is_of_history => {
            return (StatusCode::BAD_REQUEST, Json(json!({"__type": "ResourceNotFoundException"})));
        }
        _ => {}
    }
    if matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem") {
        return write(&aws, operation, &call);
    }
    if operation == "SendMessage" {
        aws.seen.lock().unwrap().sent.push(call);
        return (StatusCode::OK, Json(json!({"MessageId": "m"})));
    }
    if operation == "ChangeMessageVisibility" {
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        let seconds = call["VisibilityTimeout"].as_i64().unwrap_or(-1);
        aws.seen.lock().unwrap().hidden.insert(text("ReceiptHandle"), (seconds, text("QueueUrl")));
        return (StatusCode::OK, Json(json!({})));
    }
    aws.seen.lock().unwrap().reads.push(call["RequestItems"].clone());
    (StatusCode::OK, Json(items::items_of(&aws.url, &call["RequestItems"])))
}

/// Carries out a write.
fn write(aws: &Aws, operation: &str, call: &Value) -> (StatusCode, Json<Value>) {
    let is_of_history = call["TableName"] == "history" || call["RequestItems"]["history"].is_array();
    let mut seen = aws.seen.lock().unwrap();
    *seen.writes.entry(operation.to_owned()).or_default() += 1;
    if is_of_history && operation == "PutItem" {
        let text = |name: &str| call["Item"][name]["S"].as_str().unwrap_or_default().to_owned();
        let webhook_id =
            text("pk").trim_start_matches("DELIVERY#").split('-').next().unwrap_or_default().to_owned();
        let item: Option<DeliveryItem> = from_json(&call["Item"]);
        let attempts = item.map_or(0, |item| item.record.attempts.len());
        let expires_at = call["Item"]["expires_at"]["N"].as_str().and_then(|at| at.parse().ok());
        seen.attempts.insert(webhook_id.clone(), attempts);
        seen.expiries.insert(webhook_id.clone(), expires_at.unwrap_or_default());
        seen.kept.insert(webhook_id, text("state"));
    }
    (StatusCode::OK, Json(json!({})))
}

/// A delivery to a webhook, queued so many seconds ago, of an event of its own.
pub(crate) fn delivery(webhook_id: u64, age: i64) -> String {
    json!({
        "envelope": {
            "id": format!("{webhook_id}-e{age}"), "shop": "a.example", "app": "demo", "topic": "orders/create",
            "triggered_at": "2026-11-21T15:00:00Z",
        },
        "enqueued_at": storehook_aws::now() - age.seconds(), "payload": {},
    })
    .to_string()
}
