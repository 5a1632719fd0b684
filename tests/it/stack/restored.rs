//! Tables that are lost and restored to a moment before, and a stack that is made again over its tables.
//!
//! The emulator restores no table to a point in time, so a copy of the items of that moment stands in for
//! DynamoDB's backup. Nor does it import tables into a stack, so a new stack gets the items of the tables
//! that the deleted one has left.

use std::collections::HashMap;

use anyhow::Result;
use aws_sdk_dynamodb::Client;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::table::Item;
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Installed, Receiver, Stack, deliver, record, stream_event};
use tokio::sync::watch;

use super::deployments::delete;

/// All items of a table, as they are now.
async fn items_of(stack: &Stack, table: &str) -> Result<Vec<Item>> {
    let scan = Client::new(&stack.sdk()).scan().table_name(stack.resource(table)).consistent_read(true);
    Ok(scan.into_paginator().items().send().collect::<Result<_, _>>().await?)
}

/// Puts items into a table.
async fn put(stack: &Stack, table: &str, items: Vec<Item>) -> Result<()> {
    let (client, name) = (Client::new(&stack.sdk()), stack.resource(table));
    for item in items {
        client.put_item().table_name(&name).set_item(Some(item)).send().await?;
    }
    Ok(())
}

/// Deletes a table, and returns what it was.
async fn lose(stack: &Stack, table: &str) -> Result<Value> {
    let name = json!({"TableName": stack.resource(table)});
    let described = stack.aws("dynamodb", "describe_table", name.clone()).await?;
    // The emulator protects each table.
    let unprotect = json!({"TableName": stack.resource(table), "DeletionProtectionEnabled": false});
    stack.aws("dynamodb", "update_table", unprotect).await?;
    stack.aws("dynamodb", "delete_table", name).await?;
    Ok(described["Table"].clone())
}

/// Makes a table that was lost again, with these items.
async fn restore(stack: &Stack, table: &str, lost: &Value, items: Vec<Item>) -> Result<()> {
    let indexes = lost["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
    let index = |index: &Value| {
        json!({
            "IndexName": index["IndexName"], "KeySchema": index["KeySchema"], "Projection": index["Projection"],
        })
    };
    let create = json!({
        "TableName": stack.resource(table), "KeySchema": lost["KeySchema"], "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": lost["AttributeDefinitions"],
        "GlobalSecondaryIndexes": indexes.map(index).collect::<Value>(),
    });
    stack.aws("dynamodb", "create_table", create).await?;
    put(stack, table, items).await
}

async fn publish(stack: &Stack, installed: &Installed, event: &str) -> Result<()> {
    stack.publish([record(&installed.shop, "orders/create", event, r#"{"id": 1}"#)]).await
}

/// How often each event has arrived.
fn arrivals(receiver: &Receiver) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for delivered in receiver.so_far() {
        *counts.entry(delivered.header("X-Spiffy-Stores-Event-Id").to_owned()).or_default() += 1;
    }
    counts
}

/// What was changed after that moment is lost: here a webhook. Events and deliveries wait meanwhile.
#[tokio::test]
async fn a_registry_that_is_lost_and_restored_loses_no_event() -> Result<()> {
    let stack = Stack::deploy("storehook-registry-lost", &[]).await?;
    let installed = stack.install().await?;
    let (early, late) =
        (Receiver::responding(StatusCode::OK).await?, Receiver::responding(StatusCode::OK).await?);
    let early_id = installed.api.create_webhook("orders/create", &early.url).await?;
    let backup = items_of(&stack, "registry").await?;
    let late_id = installed.api.create_webhook("orders/create", &late.url).await?;
    publish(&stack, &installed, "e1").await?;
    early.wait_for(1).await?;
    late.wait_for(1).await?;

    let lost = lose(&stack, "registry").await?;
    let event = record(&installed.shop, "orders/create", "e2", r#"{"id": 1}"#);
    let (response, _) = stack.invoke("fan-out", &stream_event(&event)).await?;
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "1"}]}), "the event comes again");
    let (response, _) = deliver(&stack, &installed, early_id, "e2").await?;
    let failures = response["batchItemFailures"].as_array().map(Vec::len);
    assert_eq!(failures, Some(1), "the delivery comes again: {response}");
    // As the runbook says: a fan-out that runs in the middle would find a part of the webhooks.
    let fan_out = json!({"FunctionName": stack.resource("fan-out")});
    let stopped = json!({"FunctionName": stack.resource("fan-out"), "ReservedConcurrentExecutions": 0});
    stack.aws("lambda", "put_function_concurrency", stopped).await?;
    publish(&stack, &installed, "e3").await?;
    restore(&stack, "registry", &lost, backup).await?;
    stack.aws("lambda", "delete_function_concurrency", fan_out).await?;
    early.wait_until("e3", |_| arrivals(&early).contains_key("e3")).await?;
    for (id, status) in [(early_id, StatusCode::OK), (late_id, StatusCode::NOT_FOUND)] {
        let shown = installed.api.call(Method::GET, &format!("/admin/webhooks/{id}.json"), None).await?;
        assert_eq!(shown.status, status, "{id}");
    }
    assert_eq!(arrivals(&late), HashMap::from([("e1".to_owned(), 1)]));
    Ok(())
}

/// What was delivered after that moment may be delivered again, if it comes again.
#[tokio::test]
async fn a_history_that_is_lost_and_restored_holds_nothing_up() -> Result<()> {
    let stack = Stack::deploy("storehook-history-lost", &[]).await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    publish(&stack, &installed, "e1").await?;
    stack.wait_until(&format!("{id}-e1"), DeliveryState::Delivered).await?;
    let backup = items_of(&stack, "history").await?;
    publish(&stack, &installed, "e2").await?;
    stack.wait_until(&format!("{id}-e2"), DeliveryState::Delivered).await?;

    let lost = lose(&stack, "history").await?;
    publish(&stack, &installed, "e3").await?;
    receiver.wait_for(3).await?;

    restore(&stack, "history", &lost, backup).await?;
    for event in ["e1", "e2", "e4"] {
        publish(&stack, &installed, event).await?;
    }
    for event in ["e2", "e4"] {
        stack.wait_until(&format!("{id}-{event}"), DeliveryState::Delivered).await?;
    }
    stack.wait_until_idle("delivery").await?;
    let expected = [("e1", 1), ("e2", 2), ("e3", 1), ("e4", 1)];
    assert_eq!(arrivals(&receiver), expected.map(|(event, count)| (event.to_owned(), count)).into());
    Ok(())
}

/// Tokens, secrets, webhooks, and the deliveries that were held or waited for a retry are in the tables, which a
/// deleted stack leaves.
#[tokio::test]
async fn a_stack_that_is_made_again_over_its_tables_goes_on() -> Result<()> {
    let name = "storehook-again";
    let deleted = Stack::deploy(name, &[]).await?;
    let installed = deleted.install().await?;
    let (mend, works) = watch::channel(false);
    let receiver = Receiver::responding_with(move |_| {
        let status = if *works.borrow() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
        async move { status }
    })
    .await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let status = |status: &str| json!({"webhook": {"status": status}});
    let path = format!("/admin/webhooks/{id}.json");
    installed.api.call(Method::PUT, &path, Some(status("paused"))).await?;
    publish(&deleted, &installed, "e1").await?;
    deleted.wait_until(&format!("{id}-e1"), DeliveryState::Held).await?;
    installed.api.call(Method::PUT, &path, Some(status("active"))).await?;
    publish(&deleted, &installed, "e0").await?;
    deleted.wait_until(&format!("{id}-e0"), DeliveryState::Retrying).await?;
    delete(&deleted, name).await?;
    mend.send_replace(true);

    let (registry, history) = (items_of(&deleted, "registry").await?, items_of(&deleted, "history").await?);
    let stack = Stack::deploy(name, &[]).await?;
    put(&stack, "registry", registry).await?;
    put(&stack, "history", history).await?;
    let api = installed.api.at(&stack.api_url);
    let resumed = api.call(Method::PUT, &path, Some(status("active"))).await?;
    assert_eq!(resumed.status, StatusCode::OK, "{}", resumed.json);
    let path = format!("/admin/webhooks/{id}/replay.json");
    let replay = api.call(Method::POST, &path, Some(json!({"replay": {"state": "all"}}))).await?;
    assert!(replay.status.is_success(), "{}", replay.json);
    publish(&stack, &installed, "e2").await?;
    for event in ["e0", "e1", "e2"] {
        stack.wait_until(&format!("{id}-{event}"), DeliveryState::Delivered).await?;
    }
    for delivered in receiver.wait_for(4).await? {
        let signature =
            storehook_domain::delivery::signature::body_signature(&installed.secret, &delivered.body);
        assert_eq!(delivered.header("X-Spiffy-Stores-Hmac-Sha256"), signature);
    }
    Ok(())
}
