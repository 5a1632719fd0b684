//! Replays whose steps are interrupted, or made twice.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::{json, value::RawValue};
use storehook_domain::{delivery::message::DeliveryMessage, history::state::DeliveryState, payload::Payload};
use storehook_tests::{Delivered, DirectApi, Installed, Receiver, Stack};

use super::{events_of, many, replay, replay_to_the_end};

/// However a step ends – before its messages are sent, or after they were and nobody heard of it –
/// the step that is made again sends what was not sent, and nothing twice.
#[tokio::test]
async fn an_interrupted_and_resumed_replay_makes_one_run_per_delivery() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let names = many(&stack, &installed, id, 90).await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let interrupted = Installed { api: installed.api.at(&direct.url), ..installed };
    let wish = json!({"state": "all", "id": "mine"});

    // The second batch is refused each time it is tried, so the step ends in its first part, of which
    // some messages were sent.
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
    let unsent = stack.history_of(&format!("{id}-{}", names[15])).await?.context("no history")?;
    assert_eq!(unsent.attempt_count, 0, "nothing is written before it is sent");

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
        let runs: Vec<_> = history.runs.iter().map(|run| run.id.to_string()).collect();
        assert_eq!((runs, history.attempt_count), (vec!["replay-all:mine".to_owned()], 1), "{name}");
    }
    Ok(())
}

/// A message that was sent twice, because nobody knew that it had been sent, is attempted once.
#[tokio::test]
async fn a_message_sent_twice_is_attempted_once() -> Result<()> {
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
    // Its own message waits to be retried. Another message of the same run ends without an attempt.
    let history = stack.history_of(&format!("{id}-{}", names[0])).await?.context("no history")?;
    let payload = format!(r#"{{"id": "{}", "price": "19.99"}}"#, names[0]);
    let raw: &RawValue = serde_json::from_str(&payload)?;
    let run = history.runs.last().context("no run")?.id.clone();
    let again = DeliveryMessage::new(history.envelope, run, storehook_aws::now(), Payload::new(raw)?);
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
