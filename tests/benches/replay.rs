//! How long a replay of many held deliveries takes, and when the last of them has arrived.
//!
//! `cargo run --release -- local` in one terminal, `cargo bench -p storehook-tests --bench replay
//! [-- <how many>]` in another. Most of the time is the emulator's DynamoDB, which is one process.
//!
//! There are more POSTs than deliveries if a step is made again, and the emulator was too slow to
//! record some deliveries of it: a write of the history that takes 2 seconds is given up.
#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use axum::http::StatusCode;
use jiff::ToSpan as _;
use reqwest::Method;
use serde_json::json;
use storehook_domain::{history::state::DeliveryState, job::replay::record::ReplayStatus};
use storehook_tests::{Delivered, Receiver, Stack};

/// How often the bench looks.
const LOOK: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() -> Result<()> {
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(20_000_usize);
    let stack = Stack::running()?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let began = storehook_aws::now() - 20.hours();
    let names: Vec<_> = (0..count).map(|index| format!("e-{index:06}")).collect();
    let held = names.iter().zip(0_i64..);
    let held: Vec<_> = held
        .map(|(name, index)| (name.as_str(), began + index.milliseconds(), DeliveryState::Held))
        .collect();
    stack.have_delivered(&installed, id, &held).await?;
    println!("{count} held deliveries are on record");

    let asked = Instant::now();
    let wish = json!({"replay": {"state": "held", "id": "bench", "per_second": 1_000}});
    let path = format!("/admin/webhooks/{id}/replay.json");
    let response = installed.api.call(Method::POST, &path, Some(wish)).await?;
    ensure!(response.status == StatusCode::ACCEPTED, "{} {}", response.status, response.json);
    let record = loop {
        tokio::time::sleep(LOOK).await;
        let record = stack.replay_of(id, "bench").await?.context("no replay")?;
        if record.status != ReplayStatus::Running {
            break record;
        }
    };
    let sent = asked.elapsed();
    ensure!(record.counts.sent == count as u64, "{:?}", record.counts);
    let differ = |posts: &[Delivered]| {
        let ids: BTreeSet<_> = posts.iter().map(|post| post.header("webhook-id")).collect();
        ids.len()
    };
    let is_met = |posts: &[Delivered]| posts.len() >= count && differ(posts) == count;
    receiver.wait_until("every delivery", is_met).await?;
    let arrived = asked.elapsed();
    stack.wait_until_idle("delivery").await?;
    let posts = receiver.so_far().len();
    println!("| deliveries | steps | all sent after | all arrived after | sent a second | POSTs |");
    println!("|---|---|---|---|---|---|");
    let rate = count as f64 / sent.as_secs_f64();
    println!(
        "| {count} | {} | {} s | {} s | {rate:.0} | {posts} |",
        record.steps,
        sent.as_secs(),
        arrived.as_secs()
    );
    Ok(())
}
