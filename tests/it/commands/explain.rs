//! `storehook explain`, on a stack of its own: it looks through queues that other tests use.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::{
    event::{origin::RecordOrigin, rejected::RejectedEvent},
    history::state::DeliveryState,
};
use storehook_tests::{Installed, Receiver, Stack, eventually};

use super::{storehook_on, told};

async fn explain(stack: &Stack, event: &str, options: &[&str], status: i32) -> Result<Value> {
    let arguments = [&["explain", event, "--json"], options].concat();
    let shown = told(storehook_on(stack, &arguments).await?, status).await?;
    serde_json::from_str(&shown).with_context(|| shown)
}

/// What became of the event at each webhook.
fn outcomes(explanation: &Value) -> BTreeMap<u64, Vec<String>> {
    let mut outcomes: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for row in explanation["webhooks"].as_array().into_iter().flatten() {
        let outcome = row["outcome"].as_str().unwrap_or_default().to_owned();
        outcomes.entry(row["webhook_id"].as_u64().unwrap_or_default()).or_default().push(outcome);
    }
    outcomes
}

async fn publish(stack: &Stack, installed: &Installed, event: &str, number: u64) -> Result<()> {
    let record = json!({
        "shop": installed.shop, "topic": "orders/create", "event_id": event, "payload": {"id": number},
    });
    stack.publish([record.to_string()]).await
}

#[tokio::test]
async fn an_event_is_explained_at_every_webhook_of_its_shop() -> Result<()> {
    let stack = Stack::deploy("storehook-explained", &[("RetryTimeScale", "0.05")]).await?;
    let installed = stack.install().await?;
    let (working, failing) =
        (Receiver::responding(StatusCode::OK).await?, Receiver::responding(StatusCode::BAD_GATEWAY).await?);
    let api = &installed.api;
    let sent = api.create_webhook("orders/create", &working.url).await?;
    let filtered = api.create_webhook("products/create", &working.url).await?;
    let held = api
        .create_webhook_with(json!({"topic": "orders/*", "address": working.url, "status": "paused"}))
        .await?;
    let retrying = api.create_webhook("orders/create", &failing.url).await?;
    let deleted = api.create_webhook("orders/create", &format!("{}deleted", failing.url)).await?;
    let elsewhere = stack.install().await?;
    let of_another_shop = elsewhere.api.create_webhook("orders/create", &working.url).await?;
    publish(&stack, &installed, "x-1", 1).await?;
    stack.wait_until(&format!("{sent}-x-1"), DeliveryState::Delivered).await?;
    stack.wait_until(&format!("{retrying}-x-1"), DeliveryState::Retrying).await?;
    stack.wait_until(&format!("{deleted}-x-1"), DeliveryState::Retrying).await?;
    api.call(Method::DELETE, &format!("/admin/webhooks/{deleted}.json"), None).await?;
    // Another event under the same id, with another payload.
    publish(&stack, &installed, "x-1", 2).await?;
    // A webhook's times are whole seconds, so the next one must not be of the event's own second.
    let after = storehook_aws::now() + jiff::SignedDuration::from_secs(1);
    eventually("the next second", || async { Ok((storehook_aws::now() >= after).then_some(())) }).await?;
    let late = api.create_webhook("*", &working.url).await?;
    stack.wait_until(&format!("{deleted}-x-1"), DeliveryState::Cancelled).await?;
    let expected = BTreeMap::from([
        (sent, vec!["sent", "duplicate"]),
        (filtered, vec!["filtered"]),
        (held, vec!["held", "duplicate"]),
        (retrying, vec!["retrying", "duplicate"]),
        (deleted, vec!["cancelled"]),
        (late, vec!["not_subscribed_then"]),
    ]);
    let expected: BTreeMap<_, Vec<_>> = expected
        .into_iter()
        .map(|(id, outcomes)| (id, outcomes.into_iter().map(str::to_owned).collect()))
        .collect();
    let explanation = eventually("the duplicates to be seen", || async {
        let explanation = explain(&stack, "x-1", &[], 0).await?;
        let mut found = outcomes(&explanation);
        // A deleted webhook's record may have seen the second event or not.
        found.get_mut(&deleted).into_iter().for_each(|found| found.retain(|outcome| outcome != "duplicate"));
        Ok((found == expected).then_some(explanation))
    })
    .await?;
    assert_eq!(explanation["shops"], json!([installed.shop]));
    assert!(!outcomes(&explanation).contains_key(&of_another_shop));
    let row = |id: u64| explanation["webhooks"].as_array()?.iter().find(|row| row["webhook_id"] == id);
    let first = row(sent).context("no row")?;
    assert_eq!((&first["status"], &first["attempts"][0]["status"]), (&json!("active"), &json!(200)));
    assert_eq!(row(deleted).context("no row")?["status"], "deleted");
    assert!(
        row(held).context("no row")?["why"].as_str().is_some_and(|why| why.contains("the webhook is paused"))
    );

    let text = told(storehook_on(&stack, &["explain", "x-1"]).await?, 0).await?;
    assert!(text.starts_with(&format!("event x-1, orders/create of {}\n", installed.shop)), "{text}");
    for word in
        ["not subscribed then", "cancelled", "filtered", "duplicate", "attempts of", " 502 ", "Note: "]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    let narrowed = explain(&stack, "x-1", &["--webhook", &held.to_string()], 0).await?;
    assert_eq!(
        outcomes(&narrowed),
        BTreeMap::from([(held, vec!["held".to_owned(), "duplicate".to_owned()])])
    );
    Ok(())
}

/// Puts into the stack's bucket what Lambda writes about a record that it gave up.
async fn give_up(stack: &Stack, record: &Value) -> Result<()> {
    let event = json!({"Records": [{"eventID": "shardId-old:7", "kinesis": {
        "partitionKey": "k", "sequenceNumber": "7", "data": STANDARD.encode(record.to_string()),
        "approximateArrivalTimestamp": 0.5,
    }}]});
    let body = json!({
        "requestContext": {"condition": "RetryAttemptsExhausted"}, "payload": event.to_string(),
        "KinesisBatchInfo": {"shardId": "shardId-old", "startSequenceNumber": "7", "endSequenceNumber": "7"},
    });
    let bucket = stack.connection().outputs().await?.given_up_records.clone();
    let object =
        json!({"Bucket": bucket, "Key": "aws/lambda/u/shardId-old/2026/11/14/t-1", "Body": body.to_string()});
    stack.aws("s3", "put_object", object).await.map(drop)
}

#[tokio::test]
async fn events_that_the_history_does_not_know_are_looked_for_in_the_queues_and_the_bucket() -> Result<()> {
    let stack = Stack::deploy("storehook-explained-queues", &[]).await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let other = installed.api.create_webhook("products/create", "http://127.0.0.1:9/").await?;

    let nothing = explain(&stack, "y-0", &[], 1).await?;
    assert_eq!((&nothing["is_known"], &nothing["webhooks"]), (&json!(false), &json!([])));
    let text = told(storehook_on(&stack, &["explain", "y-0"]).await?, 1).await?;
    assert!(text.starts_with("event y-0: nothing is known of it\n"), "{text}");

    // A payload that is no object: the fan-out rejects the record.
    let record = json!({"shop": installed.shop, "topic": "orders/create", "event_id": "y-1", "payload": 1});
    stack.publish([record.to_string()]).await?;
    stack.wait_for_message("rejected", "y-1").await?;
    let rejected = eventually("the rejected event to be visible again", || async {
        let rejected = explain(&stack, "y-1", &[], 0).await;
        Ok(rejected.ok())
    })
    .await?;
    assert_eq!(rejected["rejected"][0]["reason"], "'payload' must be an object");
    let expected = BTreeMap::from([(id, vec!["rejected".to_owned()]), (other, vec!["unknown".to_owned()])]);
    assert_eq!(outcomes(&rejected), expected);
    explain(&stack, "y-1", &["--no-queues"], 1).await?;

    // A record that is too large for one message is rejected in parts.
    let note = "x".repeat(1_100_000);
    let record = json!({"shop": installed.shop, "topic": "orders/create", "payload": 1, "note": note, "event_id": "y-3"});
    let origin =
        RecordOrigin { shard_id: "shardId-old", sequence_number: "3", arrived_at: storehook_aws::now() };
    let client = aws_sdk_sqs::Client::new(&stack.sdk());
    let parts =
        RejectedEvent::messages(record.to_string().as_bytes(), &origin, "'payload' must be an object");
    assert!(parts.len() > 1);
    for part in &parts {
        client.send_message().queue_url(stack.queue_url("rejected").await?).message_body(part).send().await?;
    }
    let in_parts = explain(&stack, "y-3", &[], 0).await?;
    assert_eq!(in_parts["rejected"][0]["id"], "shardId-old:3", "{in_parts}");
    assert_eq!(outcomes(&in_parts), expected);
    let advice = "Mend what was rejected, and publish it: storehook --stack storehook-explained-queues republish --export FILE";
    assert!(in_parts["advice"][0].as_str().is_some_and(|told| told.starts_with(advice)), "{in_parts}");

    // What Lambda gave up is in the bucket.
    let record = json!({"shop": installed.shop, "topic": "orders/create", "event_id": "y-4", "payload": {}});
    give_up(&stack, &record).await?;
    let given_up = explain(&stack, "y-4", &[], 0).await?;
    assert_eq!(given_up["given_up"][0]["id"], "shardId-old:7", "{given_up}");
    assert_eq!(outcomes(&given_up).get(&id), Some(&vec!["given_up".to_owned()]));
    let text = told(storehook_on(&stack, &["explain", "y-4"]).await?, 0).await?;
    for told in [
        "Its fan-out failed, and Lambda gave it up: RetryAttemptsExhausted.",
        "Do: Publish again what was given up, of all shops: storehook --stack storehook-explained-queues republish --dry-run",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    explain(&stack, "y-4", &["--no-queues"], 1).await?;

    // A delivery that was never attempted is known by its dead letter alone.
    let message = json!({
        "envelope": {
            "id": format!("{id}-y-2"), "shop": installed.shop, "app": installed.app, "topic": "orders/create",
            "triggered_at": "2026-11-21T15:00:00Z",
        },
        "enqueued_at": "2026-11-21T15:00:00Z", "payload": {"id": 1},
    });
    let queue = stack.queue_url("dead-letter").await?;
    client.send_message().queue_url(queue).message_body(message.to_string()).send().await?;
    for _ in 0..2 {
        // The first look hides nothing from the second.
        let dead = explain(&stack, "y-2", &[], 0).await?;
        assert_eq!(dead["dead_letters"][0]["delivery"], format!("{id}-y-2"));
        assert_eq!(outcomes(&dead).get(&id), Some(&vec!["dead".to_owned()]));
    }
    Ok(())
}

#[tokio::test]
async fn without_a_history_nobody_knows_what_was_sent() -> Result<()> {
    let stack = Stack::deploy("storehook-explained-off", &[("HistoryDeliveryDays", "0")]).await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let shop = ["--shop", installed.shop.as_str()];
    let explanation = explain(&stack, "z-1", &shop, 1).await?;
    assert_eq!(outcomes(&explanation), BTreeMap::from([(id, vec!["unknown".to_owned()])]));
    let note = explanation["notes"][0].as_str().unwrap_or_default();
    assert!(note.starts_with("The history of this stack is off"), "{note}");
    let listed =
        super::ended(storehook_on(&stack, &["deliveries", "--webhook", &id.to_string()]).await?).await?;
    let error = String::from_utf8_lossy(&listed.stderr);
    assert!(error.contains("the history of this stack is off"), "{error}");
    let which = ["webhooks", "--shop", installed.shop.as_str(), "--app", installed.app.as_str()];
    let shown = told(storehook_on(&stack, &[&which[..], &["--json"]].concat()).await?, 0).await?;
    let shown: Value = serde_json::from_str(&shown)?;
    assert_eq!(shown["webhooks"][0]["held"], Value::Null, "{shown}");
    let table = told(storehook_on(&stack, &which).await?, 0).await?;
    assert!(table.contains("     –  no trouble known"), "{table}");
    Ok(())
}
