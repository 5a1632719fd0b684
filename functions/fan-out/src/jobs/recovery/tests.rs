//! Tests of the steps of a recovery, on a stand-in for AWS.

use jiff::SignedDuration;
use serde_json::{Value, json};
use storehook_aws::{
    history::{DeliveryItem, PayloadItem, PayloadOwner},
    registry::{HealthItem, WebhookItem},
    stand_in::{StandIn, json_of, json_of_item},
};
use storehook_domain::{
    delivery::test_event::test_delivery,
    event::id::EventId,
    history::{held_for::HeldFor, record::DeliveryRecord, state::DeliveryState},
    job::{message::Job, recovery::RecoveryRules},
    payload::digest::PayloadDigest,
    webhook::{Webhook, health::failure_run::FailureRun},
};

use super::*;
use crate::{Batch, handle, tests::stand_in::dependencies_of};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const RULES: RecoveryRules = RecoveryRules { waiting_limit: 2_000, most_per_second: 100, time_scale: 1.0 };

fn webhook(status: &str) -> Result<Webhook, serde_json::Error> {
    serde_json::from_value(json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "orders/create", "address": "https://b.example/",
        "format": "json", "protocol": "webhook", "status": status, "fields": [], "metafield_namespaces": [],
        "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z", "version": 3,
    }))
}

/// A delivery that is held, for this reason. The greater its number, the later it was queued.
fn held(number: i64, reason: HeldFor) -> Result<DeliveryRecord, Box<dyn std::error::Error>> {
    let created_at = storehook_aws::now() - SignedDuration::from_mins(60) + SignedDuration::from_secs(number);
    let message = test_delivery(&webhook("active")?, EventId::parse(&format!("e{number}"))?, created_at);
    let mut record = DeliveryRecord::begin(&message, SignedDuration::from_hours(24));
    (record.state, record.held_for) = (DeliveryState::Held, Some(reason));
    record.envelope.payload_digest = Some(PayloadDigest::parse(&"0".repeat(32))?);
    Ok(record)
}

/// The recovery of a webhook whose breaker has opened a minute ago, or has closed since.
fn recovery(is_closed: bool) -> Result<Recovery, Box<dyn std::error::Error>> {
    let now = storehook_aws::now();
    let opened_at = now - SignedDuration::from_secs(61);
    let run = FailureRun { since: opened_at, attempts: 100 };
    let opened = Recovery::opened(&run, None, opened_at, &RULES);
    if is_closed { Ok(opened.closed(now).ok_or("it was open")?) } else { Ok(opened) }
}

/// A world with this recovery and webhook, and these deliveries in the index.
async fn world(
    recovery: &Recovery,
    status: &str,
    records: &[DeliveryRecord],
) -> Result<StandIn, Box<dyn std::error::Error>> {
    let aws = StandIn::start().await?;
    let webhook = webhook(status)?;
    aws.put(HealthItem::of(&webhook.key(), 3, None, Some(recovery.clone())))?;
    aws.reply("Query", json!({"Items": [json_of(WebhookItem::of(webhook))?]}));
    let items: Vec<_> =
        records.iter().map(|record| json_of(DeliveryItem::of(record.clone()))).collect::<Result<_, _>>()?;
    items.iter().for_each(|item| aws.put_json(item.clone()));
    aws.reply("Query", json!({"Items": items}));
    (0..3).for_each(|_| aws.reply("Query", json!({"Items": []})));
    Ok(aws)
}

/// The payload of the next delivery that is sent.
fn keep_payload(aws: &StandIn) -> TestResult {
    let id = EventId::parse("e")?;
    let (shop, digest) = ("a.example".parse()?, PayloadDigest::parse(&"0".repeat(32))?);
    let owner = PayloadOwner::Event(&shop, &id);
    let item = PayloadItem { owner, digest: &digest, payload: "{}", expires_at: i64::MAX };
    let parts: Vec<_> = item.parts()?.into_iter().map(json_of_item).collect();
    aws.reply("Query", json!({"Items": parts}));
    Ok(())
}

/// Makes the next step, which came as this message. Returns the function's response.
async fn make(
    aws: &StandIn,
    recovery: &Recovery,
    message_id: &str,
) -> Result<Value, Box<dyn std::error::Error>> {
    let now = storehook_aws::now();
    let (step, _) = recovery.next_step(&webhook("active")?.key(), now).ok_or("no step is next")?;
    let body = Job::Recovery(step).to_message();
    let message = json!({"messageId": message_id, "receiptHandle": "r", "body": body, "attributes": {}});
    let batch: Batch = serde_json::from_value(json!({"Records": [message]}))?;
    let times = Times { now, deadline: now + SignedDuration::from_secs(60), clock: storehook_aws::now };
    Ok(serde_json::to_value(handle(&dependencies_of(aws)?, batch, times).await)?)
}

/// Each message that was sent, with the end of its queue's URL.
fn sent(aws: &StandIn) -> Vec<(String, Value)> {
    let calls = aws.calls("SendMessageBatch");
    let entries = calls.iter().flat_map(|call| {
        let queue = call["QueueUrl"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        call["Entries"].as_array().into_iter().flatten().map(move |entry| (queue.to_owned(), entry))
    });
    entries
        .filter_map(|(queue, entry)| {
            Some((queue, serde_json::from_str(entry["MessageBody"].as_str()?).ok()?))
        })
        .collect()
}

/// The recovery as it was last written.
fn written(aws: &StandIn) -> Result<Value, Box<dyn std::error::Error>> {
    let updates = aws.calls("UpdateItem");
    let mut recoveries =
        updates.iter().map(|call| call["ExpressionAttributeValues"][":recovery"]["M"].clone());
    Ok(recoveries.rfind(|recovery| !recovery.is_null()).ok_or("the recovery was not written")?)
}

#[tokio::test]
async fn a_probe_is_the_newest_delivery_that_is_held_for_failing() -> TestResult {
    let recovery = recovery(false)?;
    let records = [held(1, HeldFor::Failing)?, held(2, HeldFor::Failing)?, held(3, HeldFor::Paused)?];
    let aws = world(&recovery, "active", &records).await?;
    keep_payload(&aws)?;
    assert_eq!(make(&aws, &recovery, "m-1").await?, json!({"batchItemFailures": []}));
    let [(queue, message)] = &sent(&aws)[..] else { return Err(format!("{:?}", sent(&aws)).into()) };
    assert_eq!((queue.as_str(), &message["lane"]), ("retry", &json!("slow")));
    assert_eq!(message["envelope"]["id"], "7-e2");
    assert_eq!(message["run"], format!("probe:{}-1", recovery.opening));
    let noted = written(&aws)?;
    assert_eq!((&noted["steps"]["N"], &noted["noted_by"]["S"]), (&json!("1"), &json!("m-1")));
    assert_eq!(noted["phase"]["M"]["open"]["M"]["probed"]["L"], json!([{"S": "7-e2"}]));
    let [next] = &aws.calls("SendMessage")[..] else { return Err("one next step".into()) };
    assert_eq!((&next["QueueUrl"], &next["DelaySeconds"]), (&json!("https://sqs/jobs"), &json!(120)));
    Ok(())
}

#[tokio::test]
async fn a_breaker_with_nothing_that_is_held_closes() -> TestResult {
    let recovery = recovery(false)?;
    let aws = world(&recovery, "active", &[held(3, HeldFor::Paused)?]).await?;
    make(&aws, &recovery, "m-1").await?;
    assert!(sent(&aws).is_empty());
    assert!(written(&aws)?["phase"]["M"]["catch_up"].is_object());
    Ok(())
}

#[tokio::test]
async fn a_catch_up_sends_what_is_held_for_failing_oldest_first() -> TestResult {
    let recovery = recovery(true)?;
    let records = [held(1, HeldFor::Failing)?, held(2, HeldFor::Paused)?, held(3, HeldFor::Failing)?];
    let aws = world(&recovery, "active", &records).await?;
    (0..2).try_for_each(|_| keep_payload(&aws))?;
    make(&aws, &recovery, "m-1").await?;
    let sent = sent(&aws);
    let ids: Vec<_> =
        sent.iter().map(|(queue, message)| (queue.as_str(), message["envelope"]["id"].clone())).collect();
    assert_eq!(ids, [("retry", json!("7-e1")), ("retry", json!("7-e3"))]);
    assert!(sent.iter().all(|(_, message)| message["run"] == format!("catch-up:{}", recovery.opening)));
    let catch_up = written(&aws)?["phase"]["M"]["catch_up"]["M"].clone();
    assert_eq!((&catch_up["passes"]["N"], &catch_up["quiet_since"]), (&json!("1"), &Value::Null));
    let counted =
        aws.calls("UpdateItem").into_iter().any(|call| call["UpdateExpression"] == "SET waiting = :waiting");
    assert!(counted, "the estimate is corrected at the end of a pass");
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_is_paused_or_disabled_gets_no_further_step() -> TestResult {
    for status in ["paused", "disabled"] {
        let recovery = recovery(false)?;
        let aws = world(&recovery, status, &[held(1, HeldFor::Failing)?]).await?;
        make(&aws, &recovery, "m-1").await?;
        assert!(sent(&aws).is_empty() && aws.calls("SendMessage").is_empty(), "{status}");
        assert_eq!(written(&aws)?["due_at"], Value::Null);
    }
    Ok(())
}

#[tokio::test]
async fn the_recovery_of_a_deleted_webhook_ends() -> TestResult {
    let recovery = recovery(false)?;
    let aws = StandIn::start().await?;
    aws.put(HealthItem::of(&webhook("active")?.key(), 3, None, Some(recovery.clone())))?;
    aws.reply("Query", json!({"Items": []}));
    make(&aws, &recovery, "m-1").await?;
    let updates = aws.calls("UpdateItem");
    assert!(
        updates.iter().any(|call| call["UpdateExpression"]
            .as_str()
            .is_some_and(|set| set.ends_with("REMOVE recovery")))
    );
    assert_eq!(aws.calls("DeleteItem").len(), 1, "its entry in the list");
    assert!(aws.calls("SendMessage").is_empty());
    Ok(())
}

/// Its own probe may have closed the breaker before the step is noted.
#[tokio::test]
async fn a_step_is_noted_in_the_recovery_as_it_is_then() -> TestResult {
    let open = recovery(false)?;
    let aws = world(&open, "active", &[held(1, HeldFor::Failing)?]).await?;
    keep_payload(&aws)?;
    aws.refuse("UpdateItem", Value::Null);
    let closed = open.closed(storehook_aws::now()).ok_or("it was open")?;
    let read = |recovery: &Recovery| -> Result<Value, Box<dyn std::error::Error>> {
        let item = HealthItem::of(&webhook("active")?.key(), 3, None, Some(recovery.clone()));
        Ok(json!({"Item": json_of(item)?}))
    };
    for recovery in [&open, &open, &closed] {
        aws.reply("GetItem", read(recovery)?);
    }
    make(&aws, &open, "m-1").await?;
    let noted = written(&aws)?;
    assert!(noted["phase"]["M"]["catch_up"].is_object(), "{noted}");
    assert_eq!(noted["steps"]["N"], "1");
    Ok(())
}

#[tokio::test]
async fn a_step_of_an_earlier_opening_ends() -> TestResult {
    let (now, earlier) = (recovery(false)?, recovery(false)?);
    let aws = StandIn::start().await?;
    aws.put(HealthItem::of(&webhook("active")?.key(), 3, None, Some(now)))?;
    make(&aws, &Recovery { opening: "1".to_owned(), ..earlier }, "m-1").await?;
    assert!(aws.calls("UpdateItem").is_empty() && aws.calls("SendMessage").is_empty());
    Ok(())
}
