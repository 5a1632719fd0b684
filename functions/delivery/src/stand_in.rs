//! A stand-in for DynamoDB and SQS, and for the endpoints of a few webhooks, over the wire.

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
use storehook_aws::Environment;

use crate::{Dependencies, Settings, handle};

/// What was hidden, by receipt handle: for how many seconds, and in which queue.
pub(crate) type Hidden = BTreeMap<String, (i64, String)>;

/// The webhooks that the registry has: 7 has an endpoint that answers 200, 8 one that answers 500,
/// 9 is paused, 10 can not be read, 12 has been delivered before. The endpoint is the stand-in itself.
#[derive(Clone, Default)]
struct Aws {
    url: String,
    history: Table,
    seen: Arc<Mutex<Seen>>,
}

/// What the history table does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Table {
    /// It works.
    #[default]
    Works,
    /// It refuses every call.
    Refuses,
    /// It never answers.
    IsSilent,
}

/// What was asked of the stand-in, and what was answered to the batch.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) failed: Vec<String>,
    pub(crate) hidden: Hidden,
    pub(crate) sent: Vec<Value>,
    /// The last state kept of each delivery, by webhook.
    pub(crate) kept: BTreeMap<String, String>,
    /// How many attempts are kept of each.
    pub(crate) attempts: BTreeMap<String, usize>,
    /// How many writes there were in either table, by what they were.
    pub(crate) writes: BTreeMap<String, usize>,
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

/// The same, with a history that is kept for so many days, and works or does not.
pub(crate) async fn deliver_with(
    messages: &[(&str, String)],
    history_days: &str,
    history: Table,
) -> Result<Seen, Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let aws = Aws { url: format!("http://{}", listener.local_addr()?), history, seen: Arc::default() };
    let router = Router::new()
        .route("/ok", post(async || StatusCode::OK))
        .route("/delay", post(async || Json(json!({"event_id": "e1", "result": "delay", "delay": 90}))))
        .route("/broken", post(async || StatusCode::INTERNAL_SERVER_ERROR))
        .fallback(post(answer))
        .with_state(aws.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let environment: Environment = [
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &aws.url),
        ("REGISTRY_TABLE", "registry"),
        ("HISTORY_TABLE", "history"),
        ("HISTORY_DELIVERY_DAYS", history_days),
        ("STREAM_NAME", "events"),
        ("DELIVERY_QUEUE_ARN", "arn:delivery"),
        ("DELIVERY_QUEUE_URL", "https://sqs/delivery"),
        ("RETRY_QUEUE_ARN", "arn:retry"),
        ("RETRY_QUEUE_URL", "https://sqs/retry"),
        ("ALLOWED_CIDRS", "127.0.0.0/8"),
    ]
    .into_iter()
    .collect();
    let sdk = storehook_aws::lambda_sdk_config(&environment)?;
    let dependencies = Dependencies::new(&sdk, Settings::read(&environment)?)?;
    let records = messages.iter().map(|(handle, body)| {
        let queue = if handle.ends_with("retry") { "arn:retry" } else { "arn:delivery" };
        json!({"messageId": handle, "receiptHandle": handle, "body": body, "eventSourceARN": queue})
    });
    let batch = serde_json::from_value(json!({"Records": records.collect::<Vec<_>>()}))?;
    let response = handle(&dependencies, batch).await;
    let failed = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    let seen = aws.seen.lock().map_err(|error| error.to_string())?.clone();
    Ok(Seen { failed, ..seen })
}

async fn answer(State(aws): State<Aws>, headers: HeaderMap, body: Body) -> (StatusCode, Json<Value>) {
    let call: Value = serde_json::from_slice(&body).unwrap_or_default();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
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
    if target.ends_with("SendMessage") {
        aws.seen.lock().unwrap().sent.push(call);
        return (StatusCode::OK, Json(json!({"MessageId": "m"})));
    }
    if target.ends_with("ChangeMessageVisibility") {
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        let seconds = call["VisibilityTimeout"].as_i64().unwrap_or(-1);
        aws.seen.lock().unwrap().hidden.insert(text("ReceiptHandle"), (seconds, text("QueueUrl")));
        return (StatusCode::OK, Json(json!({})));
    }
    let sort_key = call["RequestItems"]["registry"]["Keys"][0]["sk"]["S"].as_str().unwrap_or_default();
    let (path, status) = match sort_key.trim_start_matches("WEBHOOK#").trim_start_matches('0') {
        "7" => ("ok", "active"),
        "8" => ("broken", "active"),
        "9" => ("ok", "paused"),
        "13" => ("delay", "active"),
        "10" => return (StatusCode::BAD_REQUEST, Json(json!({"__type": "AccessDeniedException"}))),
        "12" => ("ok", "active"),
        _ => return (StatusCode::OK, Json(json!({"Responses": {"registry": []}}))),
    };
    let text = |value: &str| json!({"S": value});
    let common =
        [("pk", text("SHOP#a.example#APP#demo")), ("shop", text("a.example")), ("app", text("demo"))];
    let webhook = [
        ("sk", text(sort_key)),
        ("subscription", text("s")),
        ("id", json!({"N": "7"})),
        ("topic", text("*")),
        ("address", text(&format!("{}/{path}", aws.url))),
        ("format", text("json")),
        ("protocol", text(if path == "delay" { "integration" } else { "webhook" })),
        ("status", text(status)),
        ("fields", json!({"L": []})),
        ("metafield_namespaces", json!({"L": []})),
        ("custom_headers", json!({"M": {}})),
        ("created_at", text("2026-11-21T15:00:00Z")),
        ("updated_at", text("2026-11-21T15:00:00Z")),
        ("version", json!({"N": "1"})),
    ];
    let installation = [
        ("sk", text("INSTALLATION")),
        ("store_id", text("0c1c9920-5c9c-012d-bd34-000c295ec56b")),
        ("time_zone", text("UTC")),
        ("scopes", json!({"L": []})),
        ("secrets", json!({"L": [{"M": {"secret": text("storehook-local-demo-secret")}}]})),
        ("installed_at", text("2026-11-21T15:00:00Z")),
        ("token", text("TOKEN#0")),
    ];
    let item = |own: &[(&str, Value)]| -> Value {
        common
            .iter()
            .chain(own)
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let history = if sort_key.ends_with("12") { json!([delivered_before()]) } else { json!([]) };
    let registry = json!([item(&webhook), item(&installation)]);
    (StatusCode::OK, Json(json!({"Responses": {"registry": registry, "history": history}})))
}

/// Takes a write.
fn write(aws: &Aws, operation: &str, call: &Value) -> (StatusCode, Json<Value>) {
    let is_of_history = call["TableName"] == "history" || call["RequestItems"]["history"].is_array();
    let mut seen = aws.seen.lock().unwrap();
    *seen.writes.entry(operation.to_owned()).or_default() += 1;
    if is_of_history && operation == "PutItem" {
        let text = |name: &str| call["Item"][name]["S"].as_str().unwrap_or_default().to_owned();
        let webhook_id = text("pk").trim_start_matches("DELIVERY#").split('-').next().map(str::to_owned);
        let attempts = call["Item"]["attempts"]["L"].as_array().map_or(0, Vec::len);
        seen.attempts.insert(webhook_id.clone().unwrap_or_default(), attempts);
        seen.kept.insert(webhook_id.unwrap_or_default(), text("state"));
    }
    (StatusCode::OK, Json(json!({})))
}

/// The item of a delivery whose first series was delivered.
fn delivered_before() -> Value {
    let text = |value: &str| json!({"S": value});
    let number = |value: &str| json!({"N": value});
    json!({
        "pk": text("DELIVERY#12-e1"), "sk": text("DELIVERY"), "webhook_shard": text("WEBHOOK#12#0"),
        "position": text("01795000000000000#e1"),
        "envelope": {"M": {
            "id": text("12-e1"), "shop": text("a.example"), "app": text("demo"), "topic": text("orders/create"),
            "triggered_at": text("2026-11-21T15:00:00Z"),
        }},
        "created_at": text("2026-11-21T15:00:00Z"), "state": text("delivered"), "series": number("0"),
        "delivered_series": number("0"), "attempt_count": number("1"), "attempts": {"L": []}, "version": number("1"),
        "expires_at": number("99999999999"),
    })
}

/// A delivery to a webhook, queued so many seconds ago.
pub(crate) fn delivery(webhook_id: u64, age: i64) -> String {
    json!({
        "envelope": {
            "id": format!("{webhook_id}-e1"), "shop": "a.example", "app": "demo", "topic": "orders/create",
            "triggered_at": "2026-11-21T15:00:00Z",
        },
        "enqueued_at": storehook_aws::now() - age.seconds(), "payload": {},
    })
    .to_string()
}
