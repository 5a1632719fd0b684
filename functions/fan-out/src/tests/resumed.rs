//! A webhook that is resumed while a step of its recovery finds it paused.

use serde_json::{Value, json};
use storehook_aws::{
    registry::{HealthItem, WebhookItem},
    stand_in::{StandIn, json_of},
};
use storehook_domain::{
    job::{
        message::Job,
        recovery::{Recovery, RecoveryRules},
    },
    webhook::{Webhook, health::failure_run::FailureRun},
};

use super::*;
use crate::tests::stand_in::dependencies_of;

fn webhook(status: &str) -> Result<Webhook, serde_json::Error> {
    serde_json::from_value(json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "orders/create", "address": "https://b.example/",
        "format": "json", "protocol": "webhook", "status": status, "fields": [], "metafield_namespaces": [],
        "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z", "version": 3,
    }))
}

#[tokio::test]
async fn a_webhook_that_is_resumed_meanwhile_is_not_parked() -> TestResult {
    let rules = RecoveryRules { waiting_limit: 2_000, most_per_second: 100, time_scale: 1.0 };
    let now = storehook_aws::now();
    let opened_at = now - 2.minutes();
    let run = FailureRun { since: opened_at, attempts: 100 };
    let recovery = Recovery::opened(&run, None, opened_at, &rules);
    let aws = StandIn::start().await?;
    let health = HealthItem::of(&webhook("paused")?.key(), 3, None, Some(recovery.clone()));
    aws.put(health.clone())?;
    for status in ["paused", "active"] {
        aws.reply("Query", json!({"Items": [json_of(WebhookItem::of(webhook(status)?))?]}));
    }
    // The API has resumed the webhook, and made the step due.
    aws.refuse("UpdateItem", json_of(health)?);
    let (step, _) = recovery.next_step(&webhook("paused")?.key(), now).ok_or("no step is next")?;
    let body = Job::Recovery(step).to_message();
    let message = json!({"messageId": "m-1", "receiptHandle": "r", "body": body, "attributes": {}});
    let batch: Batch = serde_json::from_value(json!({"Records": [message]}))?;
    let response = serde_json::to_value(handle(&dependencies_of(&aws)?, batch, times(60)).await)?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    let due = |write: &Value| write["ExpressionAttributeValues"][":recovery"]["M"]["due_at"].is_object();
    let writes: Vec<_> = aws.calls("UpdateItem").iter().map(due).collect();
    assert_eq!(writes, [false, true], "it is looked at again, and the step is made");
    assert_eq!(aws.calls("SendMessage").len(), 1, "the next step is queued");
    Ok(())
}
