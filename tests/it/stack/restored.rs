//! Tables that are lost or damaged, and restored to a moment before.
//!
//! The emulator restores no table to a point in time. A backup that was made at that moment stands in: both
//! become a new table with the items of then.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::Client;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_aws::table::Item;
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Installed, Receiver, Stack, deliver, record, stream_event};

use super::writers::{start_functions, stop_functions, turn_mappings};

/// Backs a table up, and returns the backup's ARN.
async fn back_up(stack: &Stack, table: &str) -> Result<String> {
    let arguments = json!({"TableName": stack.resource(table), "BackupName": "before"});
    let backup = stack.aws("dynamodb", "create_backup", arguments).await?;
    Ok(backup["BackupDetails"]["BackupArn"].as_str().context("no backup")?.to_owned())
}

/// Makes a table of this name from a backup.
async fn restore(stack: &Stack, backup: &str, table: &str) -> Result<()> {
    let arguments = json!({"TargetTableName": stack.resource(table), "BackupArn": backup});
    stack.aws("dynamodb", "restore_table_from_backup", arguments).await.map(drop)
}

async fn delete_table(stack: &Stack, table: &str) -> Result<()> {
    let name = stack.resource(table);
    // The emulator protects each table.
    let unprotect = json!({"TableName": name, "DeletionProtectionEnabled": false});
    stack.aws("dynamodb", "update_table", unprotect).await?;
    stack.aws("dynamodb", "delete_table", json!({"TableName": name})).await.map(drop)
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
    let backup = back_up(&stack, "registry").await?;
    let late_id = installed.api.create_webhook("orders/create", &late.url).await?;
    publish(&stack, &installed, "e1").await?;
    early.wait_for(1).await?;
    late.wait_for(1).await?;

    delete_table(&stack, "registry").await?;
    let event = record(&installed.shop, "orders/create", "e2", r#"{"id": 1}"#);
    let (response, _) = stack.invoke("fan-out", &stream_event(&event)).await?;
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "1"}]}), "the event comes again");
    let (response, _) = deliver(&stack, &installed, early_id, "e2").await?;
    let failures = response["batchItemFailures"].as_array().map(Vec::len);
    assert_eq!(failures, Some(1), "the delivery comes again: {response}");
    publish(&stack, &installed, "e3").await?;

    stop_functions(&stack).await?;
    restore(&stack, &backup, "registry").await?;
    start_functions(&stack).await?;
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
    let backup = back_up(&stack, "history").await?;
    publish(&stack, &installed, "e2").await?;
    stack.wait_until(&format!("{id}-e2"), DeliveryState::Delivered).await?;

    delete_table(&stack, "history").await?;
    publish(&stack, &installed, "e3").await?;
    receiver.wait_for(3).await?;

    restore(&stack, &backup, "history").await?;
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

/// Whether the runbook copies an item of the registry back.
fn is_copied_back(item: &Item) -> bool {
    let key = item.get("pk").and_then(|key| key.as_s().ok()).map(String::as_str).unwrap_or_default();
    ["SHOP#", "TOKEN#"].iter().any(|prefix| key.starts_with(prefix))
}

/// Copies items from the restored registry back, as the runbook says.
async fn copy_back(stack: &Stack) -> Result<()> {
    let client = Client::new(&stack.sdk());
    let scan = client.scan().table_name(stack.resource("registry-restored")).into_paginator().items().send();
    let items: Vec<_> = scan.collect::<Result<_, _>>().await?;
    for item in items.into_iter().filter(is_copied_back) {
        client.put_item().table_name(stack.resource("registry")).set_item(Some(item)).send().await?;
    }
    Ok(())
}

/// The runbook's steps, "Restoring a table", after a webhook was deleted by mistake. One that is newer than
/// the backup stays, and so does the counter of ids.
#[tokio::test]
async fn what_was_deleted_from_the_registry_comes_back_by_the_runbooks_steps() -> Result<()> {
    let stack = Stack::deploy("storehook-registry-damaged", &[]).await?;
    let installed = stack.install().await?;
    let receivers = [
        Receiver::responding(StatusCode::OK).await?,
        Receiver::responding(StatusCode::OK).await?,
        Receiver::responding(StatusCode::OK).await?,
    ];
    let [kept, deleted, newer] = &receivers;
    installed.api.create_webhook("orders/create", &kept.url).await?;
    let deleted_id = installed.api.create_webhook("orders/create", &deleted.url).await?;
    let backup = back_up(&stack, "registry").await?;
    let newer_id = installed.api.create_webhook("orders/create", &newer.url).await?;
    let path = format!("/admin/webhooks/{deleted_id}.json");
    assert!(installed.api.call(Method::DELETE, &path, None).await?.status.is_success());

    turn_mappings(&stack, false).await?;
    stop_functions(&stack).await?;
    publish(&stack, &installed, "e1").await?;
    assert!(stack.invoke("admin-api", &json!({})).await.is_err(), "the API is stopped");
    restore(&stack, &backup, "registry-restored").await?;
    copy_back(&stack).await?;
    start_functions(&stack).await?;
    turn_mappings(&stack, true).await?;
    delete_table(&stack, "registry-restored").await?;

    for receiver in &receivers {
        receiver.wait_until("e1", |_| arrivals(receiver).contains_key("e1")).await?;
    }
    let next = installed.api.create_webhook("orders/paid", &kept.url).await?;
    assert!(next > newer_id, "{next} was given before");
    let again = json!({"webhook": {"topic": "orders/create", "address": deleted.url}});
    let again = installed.api.call(Method::POST, "/admin/webhooks.json", Some(again)).await?;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "its slot is back as well: {}", again.json);
    Ok(())
}
