//! Replays whose steps are interrupted, or made twice.

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, ToSpan as _};
use reqwest::{Method, StatusCode};
use serde_json::{json, value::RawValue};
use storehook_domain::{history::state::DeliveryState, payload::Payload};
use storehook_tests::{Delivered, DirectApi, Installed, Receiver, Stack};

use super::{events_of, many, replay, replay_to_the_end};

/// However a step ends – before its messages are sent, or after they were and nobody heard of it –
/// the step that is made again sends what was not sent, and nothing twice.
#[tokio::test]
async fn an_interrupted_and_resumed_replay_starts_one_new_series_per_delivery() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let names = many(&stack, &installed, id, 90).await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let interrupted = Installed { api: installed.api.at(&direct.url), ..installed };
    let wish = json!({"state": "all", "id": "mine"});

    // The second batch is refused each time it is tried, so the step ends in its first part, some
    // of whose deliveries are on record as replayed and have not been sent.
    let mut batches = 0;
    let (response, _) = direct
        .decide(replay(&interrupted, id, wish.clone()), |call| {
            batches += usize::from(call.operation == "SendMessageBatch");
            if call.operation == "SendMessageBatch" && batches > 1 {
                call.answer(StatusCode::INTERNAL_SERVER_ERROR, json!({"__type": "InternalError"}));
            } else {
                call.let_through();
            }
        })
        .await?;
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE, "{}", response.json);
    let first = receiver.wait_for(10).await?;
    for event in events_of(&first) {
        stack.wait_until(&format!("{id}-{event}"), DeliveryState::Delivered).await?;
    }
    let reserved = stack.history_of(&format!("{id}-{}", names[15])).await?.context("no history")?;
    assert_eq!((reserved.state, reserved.series), (DeliveryState::Pending, 1), "on record and not sent");

    // The same again to its end, whose last response gets lost.
    direct.let_all_through();
    replay_to_the_end(&interrupted, id, wish.clone()).await?;
    let is_complete = |came: &[Delivered]| {
        let mut events = events_of(came);
        events.dedup();
        events.len() == names.len()
    };
    receiver.wait_until("every delivery", is_complete).await?;
    for name in &names {
        stack.wait_until(&format!("{id}-{name}"), DeliveryState::Delivered).await?;
    }
    assert_eq!(replay_to_the_end(&interrupted, id, wish).await?, 0, "nothing is left of it");
    stack.wait_until_idle("delivery").await?;
    assert_eq!(events_of(&receiver.so_far()), names, "each came once");
    for name in &names {
        let history = stack.history_of(&format!("{id}-{name}")).await?.context("no history")?;
        assert_eq!((history.series, history.attempt_count), (1, 1), "{name}");
        assert_eq!(history.replay.as_deref(), Some("mine"));
    }
    Ok(())
}

/// A message that was sent twice, because nobody knew that it had been sent, is attempted once.
#[tokio::test]
async fn a_replay_step_sent_twice_attempts_each_delivery_once() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::BAD_GATEWAY).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let names = many(&stack, &installed, id, 3).await?;
    let redeliver = async |name: &str| {
        let path = format!("/admin/deliveries/{id}-{name}/redeliver.json");
        installed.api.call(Method::POST, &path, None).await
    };
    redeliver(&names[0]).await?;
    stack.wait_until(&format!("{id}-{}", names[0]), DeliveryState::Retrying).await?;
    // Its own message waits to be retried; the same series in another message ends without an
    // attempt.
    let history = stack.history_of(&format!("{id}-{}", names[0])).await?.context("no history")?;
    let payload = format!(r#"{{"id": "{}", "price": "19.99"}}"#, names[0]);
    let raw: &RawValue = serde_json::from_str(&payload)?;
    let again = history.message(Payload::new(raw)?, storehook_aws::now());
    let message = json!({
        "messageId": "m-1", "receiptHandle": "none", "body": again.to_message(), "attributes": {},
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{}", stack.resource("delivery")),
    });
    let before = receiver.so_far().len();
    let (response, log) = stack.invoke("delivery", &json!({"Records": [message]})).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert!(log.contains("superseded"), "{log}");
    assert!(receiver.so_far().len() <= before + 1, "only its own message's retry may have come");
    Ok(())
}

/// A replay that nobody goes on with leaves deliveries behind that are on record as replayed and
/// were never sent. The next one of that window sends them.
#[tokio::test]
async fn a_new_replay_sends_what_an_abandoned_one_left_unsent() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let names = many(&stack, &installed, id, 4).await?;
    // As it is two hours after an abandoned replay.
    let delivery_id = format!("{id}-{}", names[0]);
    let dead = stack.history_of(&delivery_id).await?.context("no history")?;
    let long_ago = storehook_aws::now() - 2.hours();
    let kept_for = SignedDuration::from_hours(1);
    let reserved = dead.reserve(Some("abandoned"), kept_for, long_ago).context("reserved")?.history;
    stack.put_history(&reserved).await?;
    assert_eq!(
        replay_to_the_end(&installed, id, json!({"state": "dead"})).await?,
        2,
        "the other dead one, too"
    );
    assert_eq!(events_of(&receiver.wait_for(2).await?), [names[0].clone(), names[3].clone()]);
    let delivered = stack.wait_until(&delivery_id, DeliveryState::Delivered).await?;
    assert_eq!(delivered.series, 1, "it is the series that was never sent");
    Ok(())
}
