//! Whether a healthy endpoint notices the others: how long its deliveries take from the stream to
//! it, alone and beside endpoints that are dead, slow to the end of their time, and busy.
//!
//! `cargo run --release -- local` in one terminal, `cargo bench -p storehook-tests --bench
//! fairness` in another. The times are mostly the emulator's; the two rows can be compared with
//! each other.
#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use futures::future::pending;
use storehook_tests::{Installed, Receiver, Stack, bench::percentile_ms};

/// How many events are published, one after the other.
const EVENTS: usize = 60;

#[tokio::main]
async fn main() -> Result<()> {
    let stack = Stack::running()?;
    let installed = stack.install().await?;
    let healthy = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("orders/create", &healthy.url).await?;
    println!("| endpoints | p50 | p99 |\n|---|---|---|");
    measure("healthy alone", "alone", &stack, &installed, &healthy).await?;
    let tarpit = Receiver::responding_with(|_| pending::<StatusCode>()).await?;
    let busy = Receiver::responding(StatusCode::SERVICE_UNAVAILABLE).await?;
    for address in ["http://127.0.0.1:9/", &tarpit.url, &busy.url] {
        installed.api.create_webhook("orders/create", address).await?;
    }
    measure("healthy beside dead, tarpit and busy", "beside", &stack, &installed, &healthy).await
}

async fn measure(
    name: &str,
    prefix: &str,
    stack: &Stack,
    installed: &Installed,
    healthy: &Receiver,
) -> Result<()> {
    let mut times = Vec::new();
    for number in 0..EVENTS {
        let id = format!("{prefix}-{number}");
        let record = format!(
            r#"{{"shop": "{}", "topic": "orders/create", "event_id": "{id}", "payload": {{}}}}"#,
            installed.shop
        );
        let published = storehook_aws::now();
        stack.publish([record]).await?;
        let is_it = |answered: &[storehook_tests::Delivered]| {
            answered.iter().any(|delivered| delivered.header("x-spiffy-stores-event-id") == id)
        };
        let answered = healthy.wait_until(&id, is_it).await?;
        let arrived = answered.iter().find(|delivered| delivered.header("x-spiffy-stores-event-id") == id);
        times.push(arrived.context("it arrived")?.at.duration_since(published).unsigned_abs());
    }
    let mut at = |percent| percentile_ms(&mut times, percent).floor();
    println!("| {name} | {} ms | {} ms |", at(50), at(99));
    Ok(())
}
