//! Events with more webhooks than one invocation sends to.

use std::{collections::BTreeMap, time::Instant};

use anyhow::Result;
use reqwest::StatusCode;
use storehook_tests::{Receiver, Stack, record};

/// Two shares: a share has 160 batches of ten messages.
#[tokio::test]
async fn each_of_1_700_webhooks_receives_an_event_once() -> Result<()> {
    receive_once(1_700).await.map(drop)
}

/// Prints how long the event takes:
/// `cargo test -p storehook-tests --test it -- --ignored --nocapture 10_000`
#[tokio::test]
#[ignore = "takes minutes, because the emulator delivers about 120 events a second"]
async fn each_of_10_000_webhooks_receives_an_event_once() -> Result<()> {
    let seconds = receive_once(10_000).await?;
    eprintln!("10,000 webhooks received the event within {seconds:.0} s");
    Ok(())
}

/// Publishes an event of 2 KB to so many webhooks, and looks at what each receives. Returns the
/// time that it took, in seconds.
async fn receive_once(count: usize) -> Result<f64> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    stack
        .have_webhooks(&installed, "orders/create", count, |number| format!("{}{number}", receiver.url))
        .await?;
    let payload = format!(r#"{{"id": 1, "note": "{}"}}"#, "x".repeat(2_000));
    let began = Instant::now();
    stack.publish([record(&installed.shop, "orders/create", "wide", &payload)]).await?;
    // Others' deliveries may come between, so all of them together take longer than a wait may.
    for arrived in (0..=count).step_by(500).chain([count]) {
        receiver.wait_for(arrived).await?;
    }
    let seconds = began.elapsed().as_secs_f64();
    stack.wait_until_idle("delivery").await?;
    let delivered = receiver.so_far();
    let mut received: BTreeMap<&str, usize> = BTreeMap::new();
    for delivery in &delivered {
        assert!(delivery.body == payload, "the payload's very bytes");
        *received.entry(&delivery.path).or_default() += 1;
    }
    assert_eq!(received.len(), count, "every webhook receives the event");
    let repeated: Vec<_> = received.iter().filter(|(_, times)| **times > 1).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
    Ok(seconds)
}
