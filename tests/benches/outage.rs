//! An endpoint that is down for five minutes under load, and then works: every event arrives, once,
//! without anybody's call. Another shop's deliveries are timed meanwhile, and beforehand alone.
//!
//! `cargo run -- local` in one terminal, `cargo bench -p storehook-tests --bench outage` in another;
//! a number after `--` is how many seconds the endpoint is down. The local stack compresses waits,
//! and the times are mostly the emulator's: the two rows can be compared with each other.
#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, ensure};
use axum::http::StatusCode;
use storehook_tests::{Installed, Receiver, Stack, bench::percentile_ms, record};
use tokio::time::{Instant, interval, sleep};

/// How many events a second the failing endpoint's shop publishes, and the other shop.
const LOAD: u32 = 10;

/// How long the other shop is timed alone.
const ALONE: Duration = Duration::from_secs(30);

/// How long the catch-up may take.
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Result<()> {
    let seconds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(300);
    let stack = Stack::running()?;
    let other = stack.install().await?;
    let healthy = Receiver::responding(StatusCode::OK).await?;
    other.api.create_webhook("orders/create", &healthy.url).await?;
    println!("| another shop | deliveries | p50 | p99 |\n|---|---|---|---|");
    let alone = publish(&stack, &other, "alone", 2, ALONE).await?;
    tell("alone", &healthy, &alone).await?;

    let works = Arc::new(AtomicBool::new(false));
    let is_up = works.clone();
    let failing = Receiver::responding_with(move |_| {
        let is_up = is_up.load(Ordering::SeqCst);
        async move { if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
    })
    .await?;
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", &failing.url).await?;
    let down = Duration::from_secs(seconds);
    let (published, beside) = tokio::try_join!(
        publish(&stack, &installed, "down", LOAD, down),
        publish(&stack, &other, "beside", 2, down)
    )?;
    let posts_while_down = failing.so_far().len();
    works.store(true, Ordering::SeqCst);
    tell("beside an endpoint that is down", &healthy, &beside).await?;
    arrive(&failing, posts_while_down, &published).await
}

/// Publishes so many events a second for so long. Returns when each was published, by its id.
async fn publish(
    stack: &Stack,
    installed: &Installed,
    prefix: &str,
    per_second: u32,
    time: Duration,
) -> Result<BTreeMap<String, jiff::Timestamp>> {
    let (mut ticks, end) = (interval(Duration::from_secs(1) / per_second), Instant::now() + time);
    let mut published = BTreeMap::new();
    while Instant::now() < end {
        ticks.tick().await;
        let id = format!("{prefix}-{}", published.len());
        stack.publish([record(&installed.shop, "orders/create", &id, "{}")]).await?;
        published.insert(id, storehook_aws::now());
    }
    Ok(published)
}

/// Prints how long deliveries took, from the stream to the endpoint.
async fn tell(name: &str, receiver: &Receiver, published: &BTreeMap<String, jiff::Timestamp>) -> Result<()> {
    let mut times = Vec::new();
    let began = Instant::now();
    while times.len() < published.len() && began.elapsed() < PATIENCE {
        sleep(Duration::from_secs(1)).await;
        let arrived = receiver.so_far();
        times = arrived
            .iter()
            .filter_map(|arrived| {
                let id = arrived.header("x-spiffy-stores-event-id");
                Some(arrived.at.duration_since(*published.get(id)?).unsigned_abs())
            })
            .collect();
    }
    ensure!(times.len() == published.len(), "{name}: {} of {} arrived", times.len(), published.len());
    let count = times.len();
    let mut at = |percent| percentile_ms(&mut times, percent).floor();
    println!("| {name} | {count} | {} ms | {} ms |", at(50), at(99));
    Ok(())
}

/// Waits until everything has arrived after the outage, and tells how often.
async fn arrive(
    receiver: &Receiver,
    posts_while_down: usize,
    published: &BTreeMap<String, jiff::Timestamp>,
) -> Result<()> {
    let began = Instant::now();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    while times.len() < published.len() && began.elapsed() < PATIENCE {
        sleep(Duration::from_secs(1)).await;
        times.clear();
        for arrived in receiver.so_far().iter().skip(posts_while_down) {
            *times.entry(arrived.header("x-spiffy-stores-event-id").to_string()).or_default() += 1;
        }
    }
    let repeated = times.values().filter(|times| **times > 1).count();
    println!(
        "\nOf {} events, {} arrived after the outage within {} s, {repeated} of them more than once. \
         The endpoint got {posts_while_down} POSTs while it was down.",
        published.len(),
        times.len(),
        began.elapsed().as_secs()
    );
    ensure!(times.len() == published.len() && repeated == 0, "not every event arrived exactly once");
    Ok(())
}
