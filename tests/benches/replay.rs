//! How long a replay of many deliveries takes, and how long the longest of its requests.
//!
//! `cargo run --release -- local` in one terminal, `cargo bench -p storehook-tests --bench replay
//! [-- <how many>]` in another. The admin API runs in the bench's own process, on the local stack's
//! tables; the queue is played by the bench, so that nothing is delivered meanwhile. Most of the
//! time is the emulator's DynamoDB, which is one process: of a replay's three calls for each
//! delivery it does a few hundred a second.
#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use axum::http::StatusCode;
use jiff::ToSpan as _;
use reqwest::Method;
use serde_json::{Value, json};
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Call, DirectApi, Stack};

#[tokio::main]
async fn main() -> Result<()> {
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(10_000_usize);
    let stack = Stack::running()?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let began = storehook_aws::now() - 20.hours();
    let names: Vec<_> = (0..count).map(|index| format!("e-{index:06}")).collect();
    let dead = names.iter().zip(0_i64..);
    let dead: Vec<_> = dead
        .map(|(name, index)| (name.as_str(), began + index.milliseconds(), DeliveryState::Dead))
        .collect();
    stack.have_delivered(&installed, id, &dead).await?;
    println!("{count} dead deliveries are on record");

    let mut direct = DirectApi::on(&stack, "0").await?;
    let api = installed.api.at(&direct.url);
    let (mut sent, mut steps) = (BTreeSet::new(), Vec::new());
    let (path, mut wish) = (format!("/admin/webhooks/{id}/replay.json"), json!({"state": "dead"}));
    loop {
        let asked = Instant::now();
        let call = api.call(Method::POST, &path, Some(json!({"replay": wish})));
        let (response, _) = direct.decide(call, |call| take(call, &mut sent)).await?;
        ensure!(response.status == StatusCode::OK, "{} {}", response.status, response.json);
        steps.push((asked.elapsed(), response.json["replay"]["deliveries"].as_u64().unwrap_or_default()));
        match response.json["replay"]["cursor"].as_str() {
            Some(cursor) => wish["cursor"] = json!(cursor),
            None => break,
        }
    }
    let total: Duration = steps.iter().map(|(time, _)| *time).sum();
    let longest = steps.iter().map(|(time, _)| *time).max().context("a step")?;
    let replayed: u64 = steps.iter().map(|(_, deliveries)| deliveries).sum();
    ensure!(
        replayed == count as u64 && sent.len() == count,
        "{replayed} were replayed and {} sent",
        sent.len()
    );
    println!("| deliveries | steps | in all | longest step | deliveries a second |\n|---|---|---|---|---|");
    let rate = count as f64 / total.as_secs_f64();
    println!(
        "| {count} | {} | {} s | {:.1} s | {rate:.0} |",
        steps.len(),
        total.as_secs(),
        longest.as_secs_f64()
    );
    Ok(())
}

/// Plays the queue: takes every message, and notes what it is of.
fn take(call: Call, sent: &mut BTreeSet<String>) {
    if call.operation != "SendMessageBatch" {
        return call.let_through();
    }
    let entries = call.body["Entries"].as_array().cloned().unwrap_or_default();
    let taken: Vec<_> = entries
        .iter()
        .map(|entry| {
            let body: Value =
                serde_json::from_str(entry["MessageBody"].as_str().unwrap_or_default()).unwrap_or_default();
            sent.insert(body["event_id"].as_str().unwrap_or_default().to_owned());
            json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "d"})
        })
        .collect();
    call.answer(StatusCode::OK, json!({"Successful": taken, "Failed": []}));
}
