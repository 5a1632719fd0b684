//! Endpoints of every kind at the same time: each ends as it should, and none is in another's way.

use std::time::Duration;

use anyhow::Result;
use aws_sdk_sqs::types::Message;
use axum::http::{StatusCode, header::RETRY_AFTER};
use futures::future::pending;
use serde_json::{Value, json};
use storehook_tests::{Delivered, Receiver, Stack, record};

/// 48 hours in 52 seconds, and Retry-After as much faster.
const TIME_SCALE: f64 = 0.0003;

#[tokio::test]
async fn a_healthy_endpoint_is_not_held_up_by_dead_hanging_busy_and_delaying_ones() -> Result<()> {
    let scale = TIME_SCALE.to_string();
    let parameters = [("RetryTimeScale", scale.as_str()), ("AttemptTimeoutSeconds", "1")];
    let stack = Stack::deploy("storehook-mixed", &parameters).await?;
    let installed = stack.install().await?;
    let tarpit = Receiver::responding_with(|_| pending::<StatusCode>()).await?;
    // Ten hours at first, which is 10.8 s here.
    let busy = Receiver::responding_with(|before| async move {
        match before {
            0 => (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "36000")]),
            _ => (StatusCode::OK, [(RETRY_AFTER, "0")]),
        }
    })
    .await?;
    let hesitant = Receiver::deciding(&["delay", "Delay", "ok"]).await?;
    let refusing = Receiver::deciding(&["fail", "ok"]).await?;
    let healthy = Receiver::responding(StatusCode::OK).await?;

    let dead_id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let tarpit_id = installed.api.create_webhook("orders/create", &tarpit.url).await?;
    installed.api.create_webhook("orders/create", &busy.url).await?;
    for integration in [&hesitant, &refusing] {
        let webhook =
            json!({"topic": "orders/create", "address": integration.url, "protocol": "integration"});
        installed.api.create_webhook_with(webhook).await?;
    }
    installed.api.create_webhook("orders/create", &healthy.url).await?;
    let ids: Vec<_> = (0..5).map(|number| format!("o-{number}")).collect();
    stack.publish(ids.iter().map(|id| record(&installed.shop, "orders/create", id, "{}"))).await?;

    // Every event arrives at the healthy one, once, before any of the others has ended.
    let arrived = healthy.wait_for(ids.len()).await?;
    assert_eq!(event_ids(&arrived), ids);
    assert_eq!(stack.count("dead-letter").await?, 0);

    let answered = busy.wait_for(ids.len() + 1).await?;
    let refused = &answered[0];
    let later = answered.iter().skip(1).find(|delivered| event_id(delivered) == event_id(refused));
    let waited = later.map(|delivered| delivered.at.duration_since(refused.at).unsigned_abs());
    let asked = Duration::from_secs(36_000).mul_f64(TIME_SCALE);
    assert!(waited.is_some_and(|waited| waited >= asked), "it asked for {asked:?} and got {waited:?}");

    // The first two response of the hesitant one were delays, whoever got them; the same message
    // came again.
    let answered = hesitant.wait_for(ids.len() + 2).await?;
    let mut delivered: Vec<_> = answered[2..].to_vec();
    delivered.sort_by(|one, other| event_id(one).cmp(event_id(other)));
    assert_eq!(event_ids(&delivered), ids);
    for delayed in &answered[..2] {
        let again = delivered.iter().find(|delivered| event_id(delivered) == event_id(delayed));
        assert_eq!(again.map(|again| &again.body), Some(&delayed.body));
    }
    refusing.wait_for(ids.len() + 1).await?;

    // The dead one and the tarpit have all their deliveries dead-lettered, and nobody else has any.
    stack.wait_for_count("dead-letter", 2 * ids.len()).await?;
    let mut dead: Vec<_> = stack.messages("dead-letter", "envelope").await?.iter().map(delivery_id).collect();
    dead.sort();
    let mut expected: Vec<_> =
        ids.iter().flat_map(|id| [dead_id, tarpit_id].map(|webhook| format!("{webhook}-{id}"))).collect();
    expected.sort();
    assert_eq!(dead, expected);
    for (receiver, count) in [(&healthy, 5), (&busy, 6), (&hesitant, 7), (&refusing, 6)] {
        assert_eq!(receiver.so_far().len(), count, "no more came");
    }
    Ok(())
}

fn event_id(delivered: &Delivered) -> &str {
    delivered.header("x-spiffy-stores-event-id")
}

/// The id of the delivery that a message is.
fn delivery_id(message: &Message) -> String {
    let body: Value = serde_json::from_str(message.body().unwrap_or_default()).unwrap_or_default();
    body["envelope"]["id"].as_str().unwrap_or_default().to_owned()
}

fn event_ids(delivered: &[Delivered]) -> Vec<String> {
    let mut ids: Vec<_> = delivered.iter().map(|delivered| event_id(delivered).to_owned()).collect();
    ids.sort();
    ids
}
