//! `storehook status`, on a stack of its own that is broken in eleven ways.
//!
//! The emulator keeps metrics that somebody puts there, so most of what is wrong is really there. What
//! it cannot show comes from a proxy before it: 61,234 messages in flight, and a refused call.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use storehook_aws::{
    registry::{HealthItem, HealthTable},
    table::to_item,
};
use storehook_domain::{
    job::recovery::{DEFAULT_WAITING_LIMIT, Recovery, RecoveryRules, pass::DEFAULT_MOST_PER_SECOND},
    webhook::{WebhookKey, health::failure_run::FailureRun},
};
use storehook_tests::{Stack, client_builder, eventually};
use tokio::net::TcpListener;

use super::{storehook_on, told};

/// The emulator, with other responses to two calls.
struct Proxy {
    emulator: String,
    client: reqwest::Client,
}

impl Proxy {
    async fn start(stack: &Stack) -> Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let proxy = Self { emulator: stack.endpoint_url.clone(), client: client_builder()?.build()? };
        let router = Router::new().fallback(forward).with_state(Arc::new(proxy));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(url)
    }
}

async fn forward(
    State(proxy): State<Arc<Proxy>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, HeaderMap, Bytes), StatusCode> {
    let target = headers.get("x-amz-target").cloned();
    if uri.path().ends_with("/account-settings") {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", header::HeaderValue::from_static("AccessDeniedException"));
        let told = json!({"Message": "you are not authorized to perform: lambda:GetAccountSettings"});
        return Ok((StatusCode::FORBIDDEN, headers, told.to_string().into()));
    }
    let is_retry = String::from_utf8_lossy(&body).contains("-retry");
    let request =
        proxy.client.request(method, format!("{}{uri}", proxy.emulator)).headers(headers).body(body);
    let response = request.send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let (status, mut headers) = (response.status(), response.headers().clone());
    let mut body = response.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    if is_retry && target.is_some_and(|target| target == "AmazonSQS.GetQueueAttributes") {
        let mut told: Value = serde_json::from_slice(&body).unwrap_or_default();
        told["Attributes"]["ApproximateNumberOfMessagesNotVisible"] = json!("61234");
        body = told.to_string().into();
    }
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    Ok((status, headers, body))
}

/// The mapping of a stack from this source.
async fn mapping(stack: &Stack, function: &str, source: &str) -> Result<String> {
    let arguments = json!({"FunctionName": stack.resource(function)});
    let found = stack.aws("lambda", "list_event_source_mappings", arguments).await?;
    let name = stack.resource(source);
    let mappings = found["EventSourceMappings"].as_array().context("no mappings")?.iter();
    let own = |mapping: &&Value| mapping["EventSourceArn"].as_str().is_some_and(|arn| arn.ends_with(&name));
    let id = mappings.clone().find(own).and_then(|mapping| mapping["UUID"].as_str()).map(str::to_owned);
    id.with_context(|| format!("no mapping from {name}"))
}

async fn change_mapping(stack: &Stack, function: &str, source: &str, change: Value) -> Result<()> {
    let mut arguments = change;
    arguments["UUID"] = json!(mapping(stack, function, source).await?);
    stack.aws("lambda", "update_event_source_mapping", arguments).await.map(drop)
}

async fn put_metric(
    stack: &Stack,
    namespace: &str,
    name: &str,
    dimension: (&str, &str),
    value: f64,
) -> Result<()> {
    let (kind, of) = dimension;
    let data = json!([{
        "MetricName": name, "Dimensions": [{"Name": kind, "Value": stack.resource(of)}], "Value": value,
    }]);
    stack
        .aws("cloudwatch", "put_metric_data", json!({"Namespace": namespace, "MetricData": data}))
        .await
        .map(drop)
}

/// A batch of records that Lambda gave up.
async fn give_up(stack: &Stack) -> Result<()> {
    let bucket = stack.connection().outputs().await?.given_up_records.clone();
    let object = json!({"Bucket": bucket, "Key": "aws/lambda/u/shardId-0/2026/11/14/t-1", "Body": "{}"});
    stack.aws("s3", "put_object", object).await.map(drop)
}

/// An alarm that is on, of which nothing else tells.
async fn alarm(stack: &Stack) -> Result<()> {
    let name = stack.resource("history-failures");
    let alarm = json!({
        "AlarmName": name, "AlarmDescription": "The history cannot be written. Runbook: docs/runbook.md#history-failures",
        "Namespace": stack.name, "MetricName": "HistoryFailures", "Statistic": "Sum", "Period": 300,
        "EvaluationPeriods": 1, "Threshold": 0.0, "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "ignore",
    });
    stack.aws("cloudwatch", "put_metric_alarm", alarm).await?;
    let state = json!({"AlarmName": name, "StateValue": "ALARM", "StateReason": "a test"});
    stack.aws("cloudwatch", "set_alarm_state", state).await.map(drop)
}

async fn send(stack: &Stack, queue: &str) -> Result<()> {
    let client = aws_sdk_sqs::Client::new(&stack.sdk());
    client.send_message().queue_url(stack.queue_url(queue).await?).message_body("broken").send().await?;
    Ok(())
}

/// An endpoint that has failed for an hour: the breaker of webhook 4711 is open.
async fn open_breaker(stack: &Stack, now: Timestamp) -> Result<()> {
    let key = WebhookKey { id: "4711".parse()?, shop: "broken.example".parse()?, app: "demo".parse()? };
    let rules = RecoveryRules {
        waiting_limit: DEFAULT_WAITING_LIMIT,
        most_per_second: DEFAULT_MOST_PER_SECOND,
        time_scale: 1.0,
    };
    let run = FailureRun { since: now - SignedDuration::from_hours(1), attempts: 100 };
    let recovery = Recovery::opened(&run, None, now, &rules);
    let table =
        HealthTable { client: aws_sdk_dynamodb::Client::new(&stack.sdk()), name: stack.resource("registry") };
    table.list(&key, now).await?;
    let item = to_item(HealthItem::of(&key, 1, Some(run), Some(recovery)))?;
    table.client.put_item().table_name(&table.name).set_item(Some(item)).send().await?;
    Ok(())
}

async fn status(stack: &Stack, endpoint: &str, options: &[&str], expected: i32) -> Result<String> {
    let mut command = storehook_on(stack, &[&["status"], options].concat()).await?;
    command.env("AWS_ENDPOINT_URL", endpoint);
    told(command, expected).await
}

#[tokio::test]
async fn a_stack_that_is_broken_in_eleven_ways_is_told_each_of_them() -> Result<()> {
    let stack = Stack::deploy("storehook-status", &[]).await?;
    // `storehook local` reads streams itself, so the mapping of a test's own stack is off.
    change_mapping(&stack, "fan-out", "events", json!({"Enabled": true})).await?;
    let well = eventually("the stack to be well", || async {
        Ok(status(&stack, &stack.endpoint_url, &[], 0).await.ok())
    })
    .await?;
    assert!(well.starts_with("storehook-status at 2") && well.contains("\nNothing is wrong.\n"), "{well}");
    let well: Value = serde_json::from_str(&status(&stack, &stack.endpoint_url, &["--json"], 0).await?)?;
    assert_eq!((&well["is_well"], &well["findings"]), (&json!(true), &json!([])));
    assert_eq!(well["facts"]["queues"][0]["name"], "storehook-status-delivery");

    send(&stack, "dead-letter").await?;
    send(&stack, "rejected").await?;
    give_up(&stack).await?;
    put_metric(&stack, "AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName", "delivery"), 720.0).await?;
    put_metric(&stack, "AWS/Lambda", "IteratorAge", ("FunctionName", "fan-out"), 4_000_000.0).await?;
    put_metric(&stack, "AWS/Lambda", "Errors", ("FunctionName", "delivery"), 3.0).await?;
    change_mapping(&stack, "delivery", "retry", json!({"Enabled": false})).await?;
    open_breaker(&stack, storehook_aws::now()).await?;
    alarm(&stack).await?;
    let proxy = Proxy::start(&stack).await?;

    let broken: Value = serde_json::from_str(&status(&stack, &proxy, &["--json"], 1).await?)?;
    let findings = broken["findings"].as_array().context("no findings")?;
    let kinds: Vec<_> = findings.iter().map(|finding| finding["kind"].as_str().unwrap_or_default()).collect();
    let expected = [
        "mapping_off",
        "function_errors",
        "dead_letters",
        "rejected",
        "given_up",
        "in_flight",
        "oldest_age",
        "iterator_age",
        "breakers_open",
        "alarm",
        "unreadable",
    ];
    assert_eq!(kinds, expected);
    for finding in findings {
        for member in ["what", "why", "advice"] {
            assert!(finding[member].as_str().is_some_and(|text| text.len() > 15), "{finding}");
        }
    }
    let text = status(&stack, &proxy, &[], 1).await?;
    for line in [
        "URGENT   The mapping from storehook-status-retry to storehook-status-delivery is Disabled.",
        "URGENT   The function storehook-status-delivery has failed 3 of 3 times in the last hour.",
        "WRONG    1 dead letter is in storehook-status-dead-letter.",
        "WRONG    1 message is in storehook-status-rejected.",
        "WRONG    1 batch of records that Lambda gave up is in the bucket ",
        "               $ storehook --stack storehook-status republish --dry-run",
        "         More: docs/operating.md#records-that-were-given-up",
        "WRONG    storehook-status-retry has 61,234 messages in flight.",
        "WRONG    The oldest message in storehook-status-delivery has waited for 12 min.",
        "WRONG    The fan-out is 1 h behind the stream storehook-status-events.",
        "WRONG    1 webhook has an open breaker: 4711 of demo on broken.example, since 2",
        "WRONG    The alarm storehook-status-history-failures is on, since 2",
        "         More: docs/runbook.md#history-failures",
        "UNKNOWN  The account's concurrency could not be read: your AWS credentials lack a permission",
        "               $ storehook --stack storehook-status redrive --dry-run",
        "               $ storehook --stack storehook-status deliveries --webhook 4711 --limit 5",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }

    // With the emulator's own response the account's concurrency is known, and made too small.
    change_mapping(&stack, "delivery", "delivery", json!({"ScalingConfig": {"MaximumConcurrency": 1000}}))
        .await?;
    let small: Value = serde_json::from_str(&status(&stack, &stack.endpoint_url, &["--json"], 1).await?)?;
    let kinds = small["findings"].as_array().into_iter().flatten().map(|finding| &finding["kind"]);
    assert!(kinds.clone().any(|kind| kind == "concurrency"), "{small}");
    assert!(kinds.clone().all(|kind| kind != "unreadable"), "{small}");
    Ok(())
}
