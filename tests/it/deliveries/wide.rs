//! Events with more webhooks than one invocation sends to.

use std::{collections::BTreeMap, time::Instant};

use anyhow::Result;
use reqwest::StatusCode;
use storehook_tests::{Receiver, Stack, record};

/// Two shares: a share has 160 batches of ten messages.
#[tokio::test]
async fn each_of_1_700_webhooks_receives_an_event_once() -> Result<()> {
    let (_, repeats) = receive(1_700).await?;
    assert_eq!(repeats, 0);
    Ok(())
}

/// Prints how long the event takes, and how many POSTs were repeated:
/// `cargo test -p storehook-tests --test it -- --ignored --nocapture 10_000`
///
/// With so many messages the emulator may take more than the 2 seconds after which a call is sent
/// again and a write of the history is given up. Then there are repeats, and none is missing.
#[tokio::test]
#[ignore = "takes minutes, because the emulator delivers about 120 events a second"]
async fn each_of_10_000_webhooks_receives_an_event() -> Result<()> {
    let (seconds, repeats) = receive(10_000).await?;
    eprintln!("10,000 webhooks received the event within {seconds:.0} s, with {repeats} repeats");
    Ok(())
}

/// Publishes an event of 2 KB to so many webhooks, and waits until each has received it. Returns
/// the time that it took, in seconds, and how many POSTs were repeated.
async fn receive(count: usize) -> Result<(f64, usize)> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    stack
        .have_webhooks(&installed, "orders/create", count, |number| format!("{}{number}", receiver.url))
        .await?;
    let payload = format!(r#"{{"id": 1, "note": "{}"}}"#, "x".repeat(2_000));
    let began = Instant::now();
    stack.publish([record(&installed.shop, "orders/create", "wide", &payload)]).await?;
    let (mut posts, mut missing) = (0, count);
    while missing > 0 {
        // All of them together may take longer than a wait.
        posts += missing.min(200);
        let delivered = receiver.wait_for(posts).await?;
        let mut received: BTreeMap<&str, usize> = BTreeMap::new();
        for delivery in &delivered {
            assert!(delivery.body == payload, "the payload's very bytes");
            *received.entry(&delivery.path).or_default() += 1;
        }
        (posts, missing) = (delivered.len(), count - received.len());
    }
    let seconds = began.elapsed().as_secs_f64();
    stack.wait_until_idle("delivery").await?;
    Ok((seconds, receiver.so_far().len() - count))
}
