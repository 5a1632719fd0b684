//! The delivery function against a stand-in for DynamoDB and SQS, over the wire: what becomes of
//! each kind of message, and how long it is hidden.

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

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// What was hidden, by receipt handle: for how many seconds, and in which queue.
type Hidden = BTreeMap<String, (i64, String)>;

/// The webhooks that the registry has: 7 has an endpoint that answers 200, 8 one that answers 500,
/// 9 is paused, 10 can not be read. The endpoint is the stand-in itself.
#[derive(Clone)]
struct Aws {
    url: String,
    hidden: Arc<Mutex<Hidden>>,
    sent: Arc<Mutex<Vec<Value>>>,
}

/// Works on messages, given by receipt handle, and returns which failed, what was hidden, and what was sent.
async fn deliver_all(
    messages: &[(&str, String)],
) -> Result<(Vec<String>, Hidden, Vec<Value>), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let aws = Aws {
        url: format!("http://{}", listener.local_addr()?),
        hidden: Arc::default(),
        sent: Arc::default(),
    };
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
    let hidden = aws.hidden.lock().map_err(|error| error.to_string())?.clone();
    let sent = aws.sent.lock().map_err(|error| error.to_string())?.clone();
    Ok((failed, hidden, sent))
}

async fn answer(State(aws): State<Aws>, headers: HeaderMap, body: Body) -> (StatusCode, Json<Value>) {
    let call: Value = serde_json::from_slice(&body).unwrap_or_default();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    if target.ends_with("SendMessage") {
        aws.sent.lock().unwrap().push(call);
        return (StatusCode::OK, Json(json!({"MessageId": "m"})));
    }
    if target.ends_with("ChangeMessageVisibility") {
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        let seconds = call["VisibilityTimeout"].as_i64().unwrap_or(-1);
        aws.hidden.lock().unwrap().insert(text("ReceiptHandle"), (seconds, text("QueueUrl")));
        return (StatusCode::OK, Json(json!({})));
    }
    let sort_key = call["RequestItems"]["registry"]["Keys"][0]["sk"]["S"].as_str().unwrap_or_default();
    let (path, status) = match sort_key.trim_start_matches("WEBHOOK#").trim_start_matches('0') {
        "7" => ("ok", "active"),
        "8" => ("broken", "active"),
        "9" => ("ok", "paused"),
        "13" => ("delay", "active"),
        "10" => return (StatusCode::BAD_REQUEST, Json(json!({"__type": "AccessDeniedException"}))),
        "12" => {
            return (StatusCode::OK, Json(json!({"Responses": {"history": [{"pk": {"S": "DELIVERY"}}]}})));
        }
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
        ("secrets", json!({"L": [text("storehook-local-demo-secret")]})),
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
    (StatusCode::OK, Json(json!({"Responses": {"registry": [item(&webhook), item(&installation)]}})))
}

/// A delivery to a webhook, queued so many seconds ago.
fn delivery(webhook_id: u64, age: i64) -> String {
    json!({
        "webhook_id": webhook_id, "shop": "a.example", "app": "demo", "topic": "orders/create", "event_id": "e1",
        "triggered_at": "2026-11-21T15:00:00Z", "enqueued_at": storehook_aws::now() - age.seconds(), "payload": {},
    })
    .to_string()
}

#[tokio::test]
async fn every_message_of_a_batch_has_its_own_end() -> TestResult {
    let messages = [
        ("delivered", delivery(7, 0)),
        ("failed", delivery(8, 0)),
        ("paused", delivery(9, 0)),
        ("unread", delivery(10, 0)),
        ("deleted", delivery(11, 0)),
        ("duplicate", delivery(12, 0)),
        ("malformed", "no delivery".to_owned()),
        ("exhausted-retry", delivery(7, 200_000)),
        ("failed-retry", delivery(8, 500)),
        ("failed-last-retry", delivery(8, 172_400)),
    ];
    let (failed, hidden, sent) = deliver_all(&messages).await?;
    assert!(sent.is_empty(), "no failure is sent anywhere");
    assert_eq!(
        failed,
        ["failed", "unread", "malformed", "exhausted-retry", "failed-retry", "failed-last-retry"]
    );
    // The wait to the next age of the table, with up to a tenth of jitter, less what the test took.
    for (handle, seconds, queue) in [
        ("failed", 1..=11, "https://sqs/delivery"),
        ("unread", 1..=11, "https://sqs/delivery"),
        ("malformed", 0..=0, "https://sqs/delivery"),
        ("exhausted-retry", 0..=0, "https://sqs/retry"),
        ("failed-retry", 800..=946, "https://sqs/retry"),
        ("failed-last-retry", 1_300..=1_400, "https://sqs/retry"),
    ] {
        let (hidden_for, in_queue) = hidden.get(handle).ok_or(handle)?;
        assert!(seconds.contains(hidden_for), "{handle}: {hidden_for} s");
        assert_eq!(in_queue, queue, "{handle}");
    }
    assert_eq!(hidden.len(), 6, "what is done is not hidden");
    Ok(())
}

/// A delay uses up no receive: the same message comes again as a new one, in its webhook's group and its
/// own queue, for as long as 48 hours are not over.
#[tokio::test]
async fn a_delay_is_a_new_message_until_it_would_last_too_long() -> TestResult {
    let messages = [
        ("fresh", delivery(13, 0)),
        ("slow-retry", delivery(13, 100_000)),
        ("last-retry", delivery(13, 172_750)),
    ];
    let (failed, hidden, sent) = deliver_all(&messages).await?;
    assert_eq!(failed, ["last-retry"]);
    assert_eq!(hidden.keys().collect::<Vec<_>>(), ["last-retry"]);
    for ((_, body), queue) in messages.iter().zip(["https://sqs/delivery", "https://sqs/retry"]) {
        let copy =
            json!({"QueueUrl": queue, "MessageBody": body, "DelaySeconds": 90, "MessageGroupId": "13"});
        assert!(sent.contains(&copy), "{queue}: {sent:?}");
    }
    assert_eq!(sent.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_message_without_an_id_fails_and_is_not_deleted() -> TestResult {
    let (failed, ..) = deliver_all(&[("", "no delivery".to_owned())]).await?;
    assert_eq!(failed, [""]);
    Ok(())
}
