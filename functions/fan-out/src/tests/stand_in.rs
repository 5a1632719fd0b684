//! A stand-in for DynamoDB and SQS that fails on demand.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use serde_json::{Value, json};
use storehook_aws::{
    AwsConfig, Environment,
    stand_in::{InProcess, StandIn},
};

use crate::{Dependencies, Settings};

/// How many webhooks the shop `wide` has.
pub(super) const WIDE: usize = 4_000;

/// What the stand-in for SQS does with a message.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Reply {
    Take,
    FailOnce,
    Fail,
    Refuse,
}

pub(super) struct Aws {
    pub(super) reply_to: fn(&str) -> Reply,
    /// The webhooks whose messages SQS refuses for good.
    pub(super) refused: Mutex<BTreeSet<u64>>,
    pub(super) failed_once: Mutex<BTreeSet<String>>,
    pub(super) queued: Mutex<Vec<String>>,
    pub(super) rejected: Mutex<Vec<Value>>,
    pub(super) jobs: Mutex<Vec<String>>,
    pub(super) webhooks: Mutex<Vec<u64>>,
    /// Whether the shop `changing` was queried before.
    pub(super) is_queried: Mutex<bool>,
}

/// The stand-in, and what the function needs to call it.
pub(super) async fn world(
    reply_to: fn(&str) -> Reply,
) -> Result<(Arc<Aws>, Dependencies), Box<dyn std::error::Error>> {
    let aws = Arc::new(Aws {
        reply_to,
        refused: Mutex::default(),
        failed_once: Mutex::default(),
        queued: Mutex::default(),
        rejected: Mutex::default(),
        jobs: Mutex::default(),
        webhooks: Mutex::default(),
        is_queried: Mutex::default(),
    });
    let router = Router::new().fallback(post(respond)).with_state(aws.clone());
    Ok((aws, dependencies_on(router).await?))
}

/// What the function needs to call AWS, with this in the place of AWS.
pub(crate) async fn dependencies_on(aws: Router) -> Result<Dependencies, Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint_url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, aws).await });
    let environment = environment(&endpoint_url);
    Ok(Dependencies::new(&AwsConfig::read(&environment)?, Settings::read(&environment)?))
}

/// The same, with AWS in this process.
pub(super) fn dependencies_in(aws: InProcess) -> Result<Dependencies, Box<dyn std::error::Error>> {
    let environment = environment("http://in.process");
    let aws = aws.config(storehook_aws::lambda_sdk_config(&environment)?);
    Ok(Dependencies::new(&aws, Settings::read(&environment)?))
}

fn environment(endpoint_url: &str) -> Environment {
    let environment = [
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint_url),
    ];
    environment.into_iter().chain(NAMES).collect()
}

const NAMES: [(&str, &str); 7] = [
    ("REGISTRY_TABLE", "registry"),
    ("HISTORY_TABLE", "history"),
    ("DELIVERY_QUEUE_URL", "https://sqs/delivery"),
    ("RETRY_QUEUE_URL", "https://sqs/retry"),
    ("REJECTED_QUEUE_URL", "https://sqs/rejected"),
    ("JOBS_QUEUE_URL", "https://sqs/jobs"),
    ("DEAD_LETTER_QUEUE_URL", "https://sqs/dead-letter"),
];

/// The same with the shared stand-in.
pub(crate) fn dependencies_of(aws: &StandIn) -> Result<Dependencies, Box<dyn std::error::Error>> {
    dependencies_with(aws, &[])
}

/// The same with these settings.
pub(crate) fn dependencies_with(
    aws: &StandIn,
    settings: &[(&str, &str)],
) -> Result<Dependencies, Box<dyn std::error::Error>> {
    let environment = aws.environment(&[&NAMES, settings].concat());
    Ok(Dependencies::new(&AwsConfig::read(&environment)?, Settings::read(&environment)?))
}

/// The service and the operation that a call is for.
pub(crate) fn target_of(headers: &HeaderMap) -> (&str, &str) {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    target.rsplit_once('.').unwrap_or_default()
}

/// Responds as DynamoDB and as SQS.
async fn respond(State(aws): State<Arc<Aws>>, headers: HeaderMap, body: Bytes) -> (StatusCode, Json<Value>) {
    let call: Value = serde_json::from_slice(&body).unwrap_or_default();
    match target_of(&headers).1 {
        "Query" => query(&aws, &call),
        "SendMessage" if call["QueueUrl"] == "https://sqs/jobs" => take_job(&aws, &call),
        "SendMessage" => {
            let message = serde_json::from_str(call["MessageBody"].as_str().unwrap_or_default());
            aws.rejected.lock().unwrap().push(message.unwrap_or_default());
            (StatusCode::OK, Json(json!({"MessageId": "m", "MD5OfMessageBody": "d"})))
        }
        _ => (StatusCode::OK, Json(take_batch(&aws, &call))),
    }
}

fn take_job(aws: &Aws, call: &Value) -> (StatusCode, Json<Value>) {
    let body = call["MessageBody"].as_str().unwrap_or_default();
    let job: Value = serde_json::from_str(body).unwrap_or_default();
    let error = match (aws.reply_to)(job["fan_out"]["record"]["event_id"].as_str().unwrap_or_default()) {
        Reply::Take | Reply::FailOnce => {
            aws.jobs.lock().unwrap().push(body.to_owned());
            return (StatusCode::OK, Json(json!({"MessageId": "m", "MD5OfMessageBody": "d"})));
        }
        Reply::Fail => "AccessDenied",
        Reply::Refuse => "InvalidMessageContents",
    };
    (StatusCode::BAD_REQUEST, Json(json!({"__type": format!("com.amazonaws.sqs#{error}")})))
}

/// The webhooks of a shop. `shop` has one on `orders/create`, `broken` has one more, which is
/// malformed, and `denied` may not be read. `changing` has two, and both change to another topic
/// after the first query.
fn query(aws: &Aws, call: &Value) -> (StatusCode, Json<Value>) {
    let shop = call["ExpressionAttributeValues"][":shop"]["S"].as_str().unwrap_or_default();
    let on = |id: usize, topic: &str| {
        let subscription = format!("SHOP#{shop}#TOPIC#{topic}");
        json!({"id": {"N": id.to_string()}, "app": {"S": "demo"}, "subscription": {"S": subscription}})
    };
    let readable = on(7, "orders/create");
    let items = match shop {
        "shop.example" => {
            let uninstalled = json!({"id": {"N": "10"}, "app": {"S": "uninstalled"}});
            json!([readable, on(9, "orders/paid"), uninstalled])
        }
        "broken.example" => {
            let malformed = json!({"id": {"N": "8"}, "subscription": readable["subscription"]});
            json!([readable, malformed])
        }
        // The first query takes two pages.
        "changing.example" => {
            let is_later = std::mem::replace(&mut *aws.is_queried.lock().unwrap(), true);
            if !is_later {
                let key = json!({"id": {"N": "7"}});
                return (StatusCode::OK, Json(json!({"Items": [readable], "LastEvaluatedKey": key})));
            }
            if call["ExclusiveStartKey"].is_object() { json!([on(9, "orders/create")]) } else { json!([]) }
        }
        "wide.example" => on_range(call, WIDE, on),
        // `wide-200` has 200 webhooks.
        wide if wide.starts_with("wide-") => {
            let count = wide.trim_start_matches("wide-").trim_end_matches(".example").parse().unwrap_or(0);
            on_range(call, count, on)
        }
        // Half of the webhooks of `apps-200`, on any topic, are of another app.
        apps if apps.starts_with("apps-") => {
            let count = apps.trim_start_matches("apps-").trim_end_matches(".example").parse().unwrap_or(0);
            let of_an_app = |id: usize, _: &str| {
                let mut webhook = on(id, "*");
                webhook["app"]["S"] = ["demo", "other"][id % 2].into();
                webhook
            };
            on_range(call, count, of_an_app)
        }
        "denied.example" => {
            return (StatusCode::BAD_REQUEST, Json(json!({"__type": "AccessDeniedException"})));
        }
        _ => json!([]),
    };
    (StatusCode::OK, Json(json!({"Items": items})))
}

/// The first `count` webhooks of a shop, as far as the query asks for them.
fn on_range(call: &Value, count: usize, on: impl Fn(usize, &str) -> Value) -> Value {
    let end = |name: &str| call["ExpressionAttributeValues"][name]["N"].as_str()?.parse::<u64>().ok();
    let (from, to) = (end(":from").unwrap_or_default(), end(":to").unwrap_or_default());
    let ids = (1..=count).filter(|id| (from..=to).contains(&(*id as u64)));
    ids.map(|id| on(id, "orders/create")).collect()
}

fn take_batch(aws: &Aws, call: &Value) -> Value {
    let (mut taken, mut failed) = (Vec::new(), Vec::new());
    for entry in call["Entries"].as_array().into_iter().flatten() {
        let delivery: Value =
            serde_json::from_str(entry["MessageBody"].as_str().unwrap_or_default()).unwrap_or_default();
        let id = delivery["envelope"]["id"].as_str().unwrap_or_default();
        let (webhook, event) = id.split_once('-').unwrap_or_default();
        let event = event.to_owned();
        // Without its group, a busy app would hold up the others.
        let shop = delivery["envelope"]["shop"].as_str().unwrap_or_default();
        let is_in_its_group = entry["MessageGroupId"] == format!("{shop}/demo");
        let is_refused = webhook.parse().is_ok_and(|id: u64| aws.refused.lock().unwrap().contains(&id));
        let code = match (aws.reply_to)(&event) {
            _ if !is_in_its_group => Some("MissingParameter"),
            _ if is_refused => Some("InvalidMessageContents"),
            Reply::Take => None,
            Reply::FailOnce => {
                aws.failed_once.lock().unwrap().insert(event.clone()).then_some("InternalError")
            }
            Reply::Fail => Some("InternalError"),
            Reply::Refuse => Some("InvalidMessageContents"),
        };
        match code {
            Some(code) => {
                failed.push(json!({"Id": entry["Id"], "Code": code, "SenderFault": code != "InternalError"}))
            }
            None => {
                aws.queued.lock().unwrap().push(event);
                aws.webhooks.lock().unwrap().extend(webhook.parse::<u64>());
                taken.push(json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "d"}));
            }
        }
    }
    json!({"Successful": taken, "Failed": failed})
}
