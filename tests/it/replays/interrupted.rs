//! Steps of a replay that are interrupted, or made twice.

use anyhow::{Context as _, Result};
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_domain::{
    delivery::message::DeliveryMessage,
    history::{query::DeliveryPosition, state::DeliveryState},
    job::replay::{
        record::ReplayStatus,
        step::{Counts, StepOutcome},
    },
    payload::Payload,
};
use storehook_tests::{Receiver, Stack, job_event};

use super::{ended, events_of, many};

/// However often a step is made, by the same message or by another one, each delivery comes once.
/// Its record has no step of its own in the queue until the last message.
#[tokio::test]
async fn a_step_that_is_made_again_delivers_nothing_twice() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let names = many(&stack, &installed, id, 30).await?;
    let begun = stack.have_replay(&installed, id, "mine").await?;
    let step = job_event(&begun, "m-1")?;

    // Killed after it sent its messages: nothing is noted, and the message comes again.
    stack.invoke("fan-out", &step).await?;
    stack.put_replay(&begun).await?;
    for message_id in ["m-1", "m-2", "m-1"] {
        let (response, _) = stack.invoke("fan-out", &job_event(&begun, message_id)?).await?;
        assert_eq!(response, json!({"batchItemFailures": []}), "{message_id}");
    }
    let record = ended(&stack, id, "mine").await?;
    assert_eq!((record.status, record.steps), (ReplayStatus::Done, 1));
    assert_eq!(record.noted_by.as_deref(), Some("m-1"));
    assert!(record.counts.sent <= 10, "{:?}", record.counts);

    let dead: Vec<_> = names.iter().step_by(3).cloned().collect();
    for name in &dead {
        let history = stack.wait_until(&format!("{id}-{name}"), DeliveryState::Delivered).await?;
        let runs: Vec<_> = history.runs.iter().map(|run| run.id.to_string()).collect();
        assert_eq!((runs, history.attempt_count), (vec!["replay:mine".to_owned()], 1), "{name}");
    }
    stack.wait_until_idle("delivery").await?;
    assert_eq!(events_of(&receiver.so_far()), dead, "each came once");
    Ok(())
}

/// Nobody would get what it sends, and once the webhook is deleted nobody could stop it.
#[tokio::test]
async fn a_replay_stops_when_its_webhook_is_paused_or_deleted() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    for (method, body) in
        [(Method::PUT, Some(json!({"webhook": {"status": "paused"}}))), (Method::DELETE, None)]
    {
        let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
        many(&stack, &installed, id, 12).await?;
        let begun = stack.have_replay(&installed, id, "mine").await?;
        let path = format!("/admin/webhooks/{id}.json");
        let response = installed.api.call(method.clone(), &path, body).await?;
        assert!(response.status.is_success(), "{method} {}", response.json);
        let (response, _) = stack.invoke("fan-out", &job_event(&begun, "m-1")?).await?;
        assert_eq!(response, json!({"batchItemFailures": []}), "{method}");
        let record = ended(&stack, id, "mine").await?;
        assert_eq!((record.status, record.steps, record.counts.sent), (ReplayStatus::Stopped, 0, 0));
        installed.api.call(Method::DELETE, &path, None).await?;
    }
    assert_eq!(receiver.so_far().len(), 0);
    Ok(())
}

/// The function died after it noted a step: the same message queues the next step, and sends
/// nothing itself. Another message of the step does nothing.
#[tokio::test]
async fn a_replay_goes_on_after_a_step_whose_next_step_was_not_queued() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let names = many(&stack, &installed, id, 12).await?;
    let begun = stack.have_replay(&installed, id, "mine").await?;
    let (first, _) = begun.next_step().context("no step")?;
    let fifth = stack.history_of(&format!("{id}-{}", names[5])).await?.context("no history")?;
    let position = DeliveryPosition::of(fifth.created_at, &fifth.envelope.id);
    let counts = Counts { found: 2, sent: 2, expired: 0 };
    let outcome = StepOutcome { counts, next: Some(position), took: SignedDuration::ZERO };
    let noted = begun.clone().after_step(&first, "m-1", &outcome, storehook_aws::now());
    stack.put_replay(&noted.context("not noted")?).await?;

    stack.invoke("fan-out", &job_event(&begun, "m-2")?).await?;
    let unchanged = stack.replay_of(id, "mine").await?.context("no replay")?;
    assert_eq!((unchanged.status, unchanged.steps), (ReplayStatus::Running, 1));
    stack.invoke("fan-out", &job_event(&begun, "m-1")?).await?;
    let record = ended(&stack, id, "mine").await?;
    assert_eq!((record.status, record.steps, record.counts.sent), (ReplayStatus::Done, 2, 4));
    receiver.wait_for(2).await?;
    stack.wait_until_idle("delivery").await?;
    assert_eq!(events_of(&receiver.so_far()), ["e-006", "e-009"], "the rest of the window");
    Ok(())
}

/// A step that cannot reach its tables fails and comes again; a message that is no job is rejected.
#[tokio::test]
async fn messages_that_are_no_jobs_go_to_the_rejected_queue() -> Result<()> {
    let stack = Stack::shared().await?;
    let body = json!({"nonsense": uuid::Uuid::new_v4().to_string()}).to_string();
    let message = json!({"messageId": "m-1", "receiptHandle": "none", "body": body, "attributes": {}});
    let (response, log) = stack.invoke("fan-out", &json!({"Records": [message]})).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert!(log.contains("job rejected"), "{log}");
    stack.wait_for_message("rejected", &body).await?;
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
    let run = history.runs.last().context("no run")?.id.clone();
    let again = DeliveryMessage::new(history.envelope, run, storehook_aws::now(), Payload::parse(&payload)?);
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
