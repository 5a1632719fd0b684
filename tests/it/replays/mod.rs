//! Replays: deliveries that are sent again.

mod interrupted;
mod jobs;
mod requests;

use anyhow::{Context as _, Result};
use jiff::ToSpan as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::{
    history::state::DeliveryState,
    job::replay::record::{ReplayRecord, ReplayStatus},
};
use storehook_tests::{ApiResponse, Delivered, Installed, Stack, eventually};

async fn replay(installed: &Installed, webhook_id: u64, wish: Value) -> Result<ApiResponse> {
    let path = format!("/admin/webhooks/{webhook_id}/replay.json");
    installed.api.call(Method::POST, &path, Some(json!({"replay": wish}))).await
}

/// Begins a replay, and waits until it has ended.
async fn replay_to_the_end(
    stack: &Stack,
    installed: &Installed,
    webhook_id: u64,
    wish: Value,
) -> Result<ReplayRecord> {
    let response = replay(installed, webhook_id, wish).await?;
    anyhow::ensure!(response.status == StatusCode::ACCEPTED, "{} {}", response.status, response.json);
    let id = response.json["replay"]["id"].as_str().context("no id")?;
    ended(stack, webhook_id, id).await
}

/// Waits until a replay has ended, and returns what is kept of it.
async fn ended(stack: &Stack, webhook_id: u64, replay_id: &str) -> Result<ReplayRecord> {
    eventually(&format!("the replay {replay_id} to end"), || async {
        let record = stack.replay_of(webhook_id, replay_id).await?;
        Ok(record.filter(|record| record.status != ReplayStatus::Running))
    })
    .await
}

async fn set_status(installed: &Installed, webhook_id: u64, status: &str) -> Result<()> {
    let change = Some(json!({"webhook": {"status": status}}));
    let path = format!("/admin/webhooks/{webhook_id}.json");
    let response = installed.api.call(Method::PUT, &path, change).await?;
    anyhow::ensure!(response.status == StatusCode::OK, "{} {}", response.status, response.json);
    Ok(())
}

fn events_of(delivered: &[Delivered]) -> Vec<String> {
    let mut events: Vec<_> =
        delivered.iter().map(|delivered| delivered.header("x-spiffy-stores-event-id").to_owned()).collect();
    events.sort();
    events
}

/// Deliveries of a webhook, one a second, of which every third is dead. Returns their events.
async fn many(stack: &Stack, installed: &Installed, webhook_id: u64, count: usize) -> Result<Vec<String>> {
    let began = storehook_aws::now() - 3.hours();
    let names: Vec<_> = (0..count).map(|index| format!("e-{index:03}")).collect();
    let made: Vec<_> = (0_i64..)
        .zip(&names)
        .map(|(index, name)| {
            let state = if index % 3 == 0 { DeliveryState::Dead } else { DeliveryState::Delivered };
            (name.as_str(), began + index.seconds(), state)
        })
        .collect();
    stack.have_delivered(installed, webhook_id, &made).await?;
    Ok(names)
}
