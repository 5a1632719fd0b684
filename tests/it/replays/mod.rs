//! Replays: deliveries that are sent again.

mod interrupted;
mod requests;

use anyhow::{Context as _, Result};
use jiff::ToSpan as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{ApiResponse, Delivered, Installed, Stack};

async fn replay(installed: &Installed, webhook_id: u64, wish: Value) -> Result<ApiResponse> {
    let path = format!("/admin/webhooks/{webhook_id}/replay.json");
    installed.api.call(Method::POST, &path, Some(json!({"replay": wish}))).await
}

/// Asks for step after step until the replay is at its end, and returns how many deliveries were
/// sent.
async fn replay_to_the_end(installed: &Installed, webhook_id: u64, mut wish: Value) -> Result<u64> {
    let mut sent = 0;
    loop {
        let response = replay(installed, webhook_id, wish.clone()).await?;
        anyhow::ensure!(response.status == StatusCode::OK, "{} {}", response.status, response.json);
        sent += response.json["replay"]["deliveries"].as_u64().context("no count")?;
        match response.json["replay"]["cursor"].as_str() {
            Some(cursor) => wish["cursor"] = json!(cursor),
            None => return Ok(sent),
        }
    }
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
