//! Requests that send one delivery again, or many.

use anyhow::{Context as _, Result};
use jiff::ToSpan as _;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_domain::{history::state::DeliveryState, job::replay::step::Counts};
use storehook_tests::{Installed, Receiver, Stack, record};

use super::{events_of, many, replay, replay_to_the_end, set_status};
use crate::history::show;

#[tokio::test]
async fn delivered_deliveries_can_be_redelivered() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-1", r#"{"id": 1, "p": 199.0}"#)]).await?;
    let delivery_id = format!("{id}-o-1");
    stack.wait_until(&delivery_id, DeliveryState::Delivered).await?;
    for replays in 1..=2 {
        let path = format!("/admin/deliveries/{delivery_id}/redeliver.json");
        let response = installed.api.call(Method::POST, &path, None).await?;
        assert_eq!(response.status, StatusCode::ACCEPTED);
        let told = &response.json["delivery"];
        assert_eq!(
            (&told["state"], &told["replays"]),
            (&json!("delivered"), &json!(replays - 1)),
            "as it is"
        );
        receiver.wait_for(replays + 1).await?;
        stack.wait_until(&delivery_id, DeliveryState::Delivered).await?;
    }
    let came = receiver.so_far();
    assert_eq!(came[0].header("x-spiffy-stores-replay"), "");
    for again in &came[1..] {
        assert_eq!(again.header("x-spiffy-stores-replay"), "true");
        for name in [
            "webhook-id",
            "x-spiffy-stores-event-id",
            "x-spiffy-stores-triggered-at",
            "x-spiffy-stores-order-id",
        ] {
            assert_eq!(again.header(name), came[0].header(name), "{name}");
        }
        assert_eq!(again.body, came[0].body);
    }
    let shown = show(&installed, &delivery_id).await?;
    let attempts = shown["attempts"].as_array().context("no attempts")?;
    let runs: Vec<_> = attempts.iter().map(|attempt| attempt["run"].as_str().unwrap_or_default()).collect();
    assert!(matches!(runs[..], ["event", first, second] if first != second), "{runs:?}");
    assert!(runs[1..].iter().all(|run| run.starts_with("redeliver:")), "{runs:?}");
    assert!(attempts.iter().all(|attempt| attempt["number"] == 1));
    Ok(())
}

/// The new run takes the place of the one that still waits.
#[tokio::test]
async fn a_retrying_delivery_can_be_redelivered_at_once() -> Result<()> {
    let stack = Stack::deploy("storehook-again", &[("RetryTimeScale", "1")]).await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding_with(|before| async move {
        if before < 2 { StatusCode::BAD_GATEWAY } else { StatusCode::OK }
    })
    .await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-1", "{}")]).await?;
    let delivery_id = format!("{id}-o-1");
    stack.wait_until(&delivery_id, DeliveryState::Retrying).await?;
    let path = format!("/admin/deliveries/{delivery_id}/redeliver.json");
    installed.api.call(Method::POST, &path, None).await?;
    receiver.wait_for(3).await?;
    let history = stack.wait_until(&delivery_id, DeliveryState::Delivered).await?;
    // The older message, due after ten seconds, may have come in between; it never comes after.
    assert_eq!(history.runs.len(), 2);
    assert!(history.attempts.last().is_some_and(|last| last.run.repeats_delivered()));
    drained(&stack).await?;
    assert_eq!(
        receiver.so_far().len() as u64,
        stack.history_of(&delivery_id).await?.context("gone")?.attempt_count
    );
    Ok(())
}

/// Waits until no message is left in either queue, hidden or not.
async fn drained(stack: &Stack) -> Result<()> {
    storehook_tests::eventually("both queues to be empty", || async {
        let left = stack.count("delivery").await? + stack.count("retry").await?;
        Ok((left == 0).then_some(()))
    })
    .await
}

#[tokio::test]
async fn held_deliveries_are_sent_when_their_webhook_is_resumed_and_replayed() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    set_status(&installed, id, "paused").await?;
    let events: Vec<_> = (0..12).map(|index| format!("o-{index}")).collect();
    let records = events.iter().map(|event| record(&installed.shop, "orders/create", event, r#"{"a": 1.0}"#));
    stack.publish(records).await?;
    for event in &events {
        stack.wait_until(&format!("{id}-{event}"), DeliveryState::Held).await?;
    }
    let refused = replay(&installed, id, json!({"state": "held"})).await?;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json, json!({"errors": {"webhook": ["is paused"]}}));
    let counted = replay(&installed, id, json!({"state": "held", "dry_run": true})).await?;
    assert_eq!(counted.json["replay"]["found"], 12, "counting is allowed: {}", counted.json);

    // A held delivery has a payload of its own, which does not end with its event's.
    delete_payload(&stack, &installed, &format!("{id}-{}", events[0])).await?;
    set_status(&installed, id, "active").await?;
    assert!(receiver.so_far().is_empty(), "to be resumed alone sends nothing");
    assert_eq!(replay_to_the_end(&stack, &installed, id, json!({"state": "held"})).await?.counts.sent, 12);
    let came = receiver.wait_for(12).await?;
    let mut expected = events.clone();
    expected.sort();
    assert_eq!(events_of(&came), expected);
    assert!(came.iter().all(|delivered| delivered.body == r#"{"a": 1.0}"#));
    for event in &events {
        stack.wait_until(&format!("{id}-{event}"), DeliveryState::Delivered).await?;
    }
    assert_eq!(replay_to_the_end(&stack, &installed, id, json!({"state": "held"})).await?.counts.found, 0);
    Ok(())
}

#[tokio::test]
async fn a_replay_covers_a_window_and_a_state_and_a_dry_run_sends_nothing() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let names = many(&stack, &installed, id, 30).await?;
    let began = stack.history_of(&format!("{id}-{}", names[0])).await?.context("no history")?.created_at;
    let window = json!({"from": began + 3.seconds(), "to": began + 12.seconds()});
    for (state, expected) in [("dead", 4), ("all", 10), ("held", 0)] {
        let mut wish = window.clone();
        wish["state"] = json!(state);
        wish["dry_run"] = json!(true);
        let response = replay(&installed, id, wish).await?;
        assert_eq!(response.status, StatusCode::OK);
        let told = &response.json["replay"];
        assert_eq!((&told["found"], &told["complete"]), (&json!(expected), &json!(true)), "{state}");
    }
    stack.wait_until_idle("delivery").await?;
    assert!(receiver.so_far().is_empty());
    let mut wish = window;
    wish["state"] = json!("dead");
    assert_eq!(replay_to_the_end(&stack, &installed, id, wish.clone()).await?.counts.sent, 4);
    assert_eq!(events_of(&receiver.wait_for(4).await?), ["e-003", "e-006", "e-009", "e-012"]);
    for event in ["e-003", "e-006", "e-009", "e-012"] {
        stack.wait_until(&format!("{id}-{event}"), DeliveryState::Delivered).await?;
    }
    let nothing = replay_to_the_end(&stack, &installed, id, wish).await?;
    assert_eq!(nothing.counts.found, 0, "they are dead no longer");
    Ok(())
}

/// Deletes the payload of a delivery's event, as DynamoDB does when it has expired.
async fn delete_payload(stack: &Stack, installed: &Installed, delivery_id: &str) -> Result<()> {
    let history = stack.history_of(delivery_id).await?.context("no history")?;
    let digest = history.envelope.payload_digest.context("no digest")?;
    let text = |value: String| aws_sdk_dynamodb::types::AttributeValue::S(value);
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let delete = client.delete_item().table_name(stack.resource("history"));
    let delete = delete.key("pk", text(format!("EVENT#{}#{}", installed.shop, history.envelope.id.event_id)));
    delete.key("sk", text(format!("{digest}#0"))).send().await?;
    Ok(())
}

#[tokio::test]
async fn refused_redeliveries_say_why() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    many(&stack, &installed, id, 2).await?;
    let path = format!("/admin/deliveries/{id}-e-001/redeliver.json");
    let redeliver = || installed.api.call(Method::POST, &path, None);

    // Its payload has gone before it.
    delete_payload(&stack, &installed, &format!("{id}-e-001")).await?;
    let response = redeliver().await?;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(response.json, json!({"errors": {"payload": ["is no longer kept"]}}));
    let stepped = replay(&installed, id, json!({"state": "delivered"})).await?;
    assert_eq!(stepped.json["errors"]["state"], json!(["is not included in the list"]));

    set_status(&installed, id, "paused").await?;
    assert_eq!(redeliver().await?.json, json!({"errors": {"webhook": ["is paused"]}}));
    installed.api.call(Method::DELETE, &format!("/admin/webhooks/{id}.json"), None).await?;
    assert_eq!(redeliver().await?.json, json!({"errors": {"webhook": ["has been deleted"]}}));
    assert_eq!(show(&installed, &format!("{id}-e-001")).await?["state"], "delivered", "it is still shown");
    Ok(())
}

/// A replay goes on where some payloads are gone, and tells how many.
#[tokio::test]
async fn a_replay_counts_the_payloads_that_have_expired() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    many(&stack, &installed, id, 3).await?;
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let history = stack.history_of(&format!("{id}-e-001")).await?.context("no history")?;
    let text = |value: String| aws_sdk_dynamodb::types::AttributeValue::S(value);
    let update = client.update_item().table_name(stack.resource("history"));
    let update = update.key("pk", text(format!("EVENT#{}#e-001", installed.shop)));
    let update =
        update.key("sk", text(format!("{}#0", history.envelope.payload_digest.context("no digest")?)));
    let past = aws_sdk_dynamodb::types::AttributeValue::N("1".to_owned());
    update
        .update_expression("SET expires_at = :past")
        .expression_attribute_values(":past", past)
        .send()
        .await?;
    let counts = replay_to_the_end(&stack, &installed, id, json!({"state": "all"})).await?.counts;
    assert_eq!(counts, Counts { found: 3, sent: 2, expired: 1 });
    assert_eq!(events_of(&receiver.wait_for(2).await?), ["e-000", "e-002"]);
    Ok(())
}
