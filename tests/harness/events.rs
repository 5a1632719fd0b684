//! Events and deliveries, as what comes before a function hands them to it.

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};
use storehook_domain::job::{message::Job, replay::record::ReplayRecord};

use crate::{installed::Installed, stack::Stack};

/// A record of this topic and payload, as a store publishes it.
pub fn record(shop: &impl ToString, topic: &str, event_id: &str, payload: &str) -> String {
    let shop = shop.to_string();
    format!(r#"{{"shop": "{shop}", "topic": "{topic}", "event_id": "{event_id}", "payload": {payload}}}"#)
}

/// One record as Lambda hands it to the fan-out; its sequence number is 1.
pub fn stream_event(record: &str) -> Value {
    json!({"Records": [{
        "kinesis": {
            "data": STANDARD.encode(record),
            "sequenceNumber": "1",
            "partitionKey": "k",
            "approximateArrivalTimestamp": 0.0,
        },
        "eventID": "shardId-000000000000:1",
    }]})
}

/// The next step of a replay as Lambda hands it to the fan-out, as this SQS message.
pub fn job_event(record: &ReplayRecord, message_id: &str) -> Result<Value> {
    let (step, _) = record.next_step().context("the replay has ended")?;
    let message = json!({
        "messageId": message_id, "receiptHandle": "none", "body": Job::Replay(step).to_message(),
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:jobs",
        "attributes": {"ApproximateReceiveCount": "1"},
    });
    Ok(json!({"Records": [message]}))
}

/// Hands a delivery that was queued now to the function, as if it came from the queue, and returns
/// its response.
pub async fn deliver(
    stack: &Stack,
    installed: &Installed,
    webhook_id: u64,
    event: &str,
) -> Result<(Value, String)> {
    deliver_queued_at(stack, installed, webhook_id, event, storehook_aws::now()).await
}

/// The same, of a delivery that was queued at this time.
pub async fn deliver_queued_at(
    stack: &Stack,
    installed: &Installed,
    webhook_id: u64,
    event: &str,
    enqueued_at: Timestamp,
) -> Result<(Value, String)> {
    deliver_from(stack, "delivery", installed, webhook_id, event, enqueued_at).await
}

/// The same, from this queue.
pub async fn deliver_from(
    stack: &Stack,
    queue: &str,
    installed: &Installed,
    webhook_id: u64,
    event: &str,
    enqueued_at: Timestamp,
) -> Result<(Value, String)> {
    let body = json!({
        "envelope": {
            "id": format!("{webhook_id}-{event}"), "shop": installed.shop, "app": installed.app,
            "topic": "orders/create", "triggered_at": "2026-11-21T15:00:00Z",
        },
        "enqueued_at": enqueued_at, "payload": {},
    });
    let arn = format!("arn:aws:sqs:us-east-1:000000000000:{}", stack.resource(queue));
    let message = json!({
        "messageId": "m-1", "receiptHandle": "none", "body": body.to_string(), "eventSourceARN": arn,
        "attributes": {},
    });
    stack.invoke("delivery", &json!({"Records": [message]})).await
}
