//! Records that the stream hands out again.

use anyhow::Result;
use reqwest::StatusCode;
use serde_json::json;
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Receiver, Stack, stream_event};

/// A record that a shard hands out again has the same event id, and what has been delivered is not
/// delivered again.
#[tokio::test]
async fn a_record_read_twice_is_delivered_once() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("products/update", &receiver.url).await?;
    let record = |payload: &str| {
        let shop = &installed.shop;
        stream_event(&format!(r#"{{"shop": "{shop}", "topic": "products/update", "payload": {payload}}}"#))
    };
    stack.invoke("fan-out", &record("{}")).await?;
    let first = receiver.wait_for(1).await?[0].header("webhook-id").to_owned();
    assert!(first.starts_with(&format!("{id}-")));
    stack.wait_until(&first, DeliveryState::Delivered).await?;
    for _ in 0..2 {
        let (response, _) = stack.invoke("fan-out", &record("{}")).await?;
        assert_eq!(response, json!({"batchItemFailures": []}));
    }
    // What is queued behind them arrives, so they have had their time.
    installed.api.create_webhook("products/delete", &receiver.url).await?;
    for number in 0..5 {
        let behind = format!(
            r#"{{"shop": "{}", "topic": "products/delete", "event_id": "p-{number}", "payload": {{}}}}"#,
            installed.shop
        );
        stack.publish([behind]).await?;
    }
    receiver.wait_for(6).await?;
    stack.wait_until_idle("delivery").await?;
    let again = receiver.so_far().iter().filter(|delivered| delivered.header("webhook-id") == first).count();
    assert_eq!(again, 1);
    Ok(())
}
