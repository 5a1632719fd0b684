//! Replays as jobs: they go on by themselves, at their pace, until they are done or stopped.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::{
    history::state::DeliveryState,
    job::replay::{record::ReplayStatus, step::Counts},
};
use storehook_tests::{ApiResponse, Delivered, Installed, Receiver, Stack, eventually};

use super::{ended, events_of, many, replay, replay_to_the_end};

async fn call(installed: &Installed, method: Method, id: u64, rest: &str) -> Result<ApiResponse> {
    installed.api.call(method, &format!("/admin/webhooks/{id}/{rest}.json"), None).await
}

#[tokio::test]
async fn a_replay_goes_on_by_itself_until_it_is_done() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let names = many(&stack, &installed, id, 300).await?;
    let wish = json!({"state": "all", "id": "mine", "per_second": 40});
    let response = replay(&installed, id, wish.clone()).await?;
    assert_eq!(response.status, StatusCode::ACCEPTED, "{}", response.json);
    let told = &response.json["replay"];
    for (member, value) in [
        ("id", json!("mine")),
        ("webhook_id", json!(id)),
        ("state", json!("running")),
        ("deliveries", json!("all")),
        ("per_second", json!(40)),
        ("found", json!(0)),
        ("sent", json!(0)),
        ("expired", json!(0)),
        ("ended_at", Value::Null),
    ] {
        assert_eq!(told[member], value, "{member}: {told}");
    }
    let record = ended(&stack, id, "mine").await?;
    assert_eq!(record.status, ReplayStatus::Done);
    assert_eq!(record.counts, Counts { found: 300, sent: 300, expired: 0 });
    // 200 deliveries are five seconds' worth, and a pause follows them.
    assert_eq!(record.steps, 2);
    let took = record.ended_at.context("no end")?.duration_since(record.replay.began_at);
    assert!(took.as_secs() >= 4, "{took:?}");

    let is_complete = |came: &[Delivered]| came.len() >= names.len();
    receiver.wait_until("every delivery", is_complete).await?;
    stack.wait_until_idle("delivery").await?;
    assert_eq!(events_of(&receiver.so_far()), names, "each came once");

    // The same id again is the same replay, although it is done.
    let again = replay(&installed, id, wish).await?;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    let shown = call(&installed, Method::GET, id, "replays/mine").await?;
    assert_eq!((shown.status, &shown.json), (StatusCode::OK, &again.json));
    assert_eq!(
        (&shown.json["replay"]["state"], &shown.json["replay"]["sent"]),
        (&json!("done"), &json!(300))
    );
    let listed = call(&installed, Method::GET, id, "replays").await?;
    assert_eq!(listed.json, json!({"replays": [shown.json["replay"]]}));
    stack.wait_until_idle("delivery").await?;
    assert_eq!(receiver.so_far().len(), names.len(), "nothing was sent again");
    Ok(())
}

#[tokio::test]
async fn a_stopped_replay_sends_nothing_more() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    many(&stack, &installed, id, 60).await?;
    replay(&installed, id, json!({"state": "all", "id": "slow", "per_second": 1})).await?;
    // The first step sends what is due in five seconds, and queues the next one.
    eventually("the first step", || async {
        Ok(stack.replay_of(id, "slow").await?.filter(|record| record.steps > 0))
    })
    .await?;
    let stopped = call(&installed, Method::DELETE, id, "replays/slow").await?;
    assert_eq!((stopped.status, &stopped.json["replay"]["state"]), (StatusCode::OK, &json!("stopped")));
    let sent = stopped.json["replay"]["sent"].as_u64().context("no count")?;
    assert!((1..60).contains(&sent), "{sent}");
    receiver.wait_for(usize::try_from(sent)?).await?;
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    // A step that was under way when the replay was stopped ends: it sends what is due in five seconds.
    let arrived = receiver.so_far().len() as u64;
    assert!((sent..=sent + 5).contains(&arrived), "{arrived} of {sent}");
    let record = stack.replay_of(id, "slow").await?.context("no replay")?;
    assert_eq!((record.status, record.counts.sent), (ReplayStatus::Stopped, arrived));
    let again = call(&installed, Method::DELETE, id, "replays/slow").await?;
    let mut ended = stopped.json.clone();
    (ended["replay"]["found"], ended["replay"]["sent"]) = (json!(arrived), json!(arrived));
    assert_eq!(again.json, ended, "it is stopped already");
    let same = replay(&installed, id, json!({"state": "all", "id": "slow"})).await?;
    assert_eq!(same.json, again.json, "the same id does not begin it again");
    Ok(())
}

#[tokio::test]
async fn replays_belong_to_their_webhook() -> Result<()> {
    let stack = Stack::shared().await?;
    let (installed, other) = (stack.install().await?, stack.install().await?);
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let second = installed.api.create_webhook("orders/updated", &receiver.url).await?;
    let empty = replay_to_the_end(&stack, &installed, id, json!({"state": "dead", "id": "mine"})).await?;
    assert_eq!((empty.status, empty.counts), (ReplayStatus::Done, Counts::default()));
    for (who, webhook, replay) in [
        (&installed, second, "mine"),
        (&other, id, "mine"),
        (&installed, id, "yours"),
        (&installed, id, "a.b"),
    ] {
        for method in [Method::GET, Method::DELETE] {
            let response = call(who, method.clone(), webhook, &format!("replays/{replay}")).await?;
            assert_eq!(response.status, StatusCode::NOT_FOUND, "{method} {webhook} {replay}");
        }
    }
    assert_eq!(call(&installed, Method::GET, second, "replays").await?.json, json!({"replays": []}));
    assert_eq!(call(&other, Method::GET, id, "replays").await?.status, StatusCode::NOT_FOUND);
    let refused = replay(&installed, id, json!({"state": "dead", "per_second": 0})).await?;
    assert_eq!(refused.json, json!({"errors": {"per_second": ["must be between 1 and 1000"]}}));
    Ok(())
}

/// The request died before the first step was queued: the same request queues it.
#[tokio::test]
async fn a_replay_that_was_only_written_begins_with_the_next_request() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    many(&stack, &installed, id, 3).await?;
    stack.have_replay(&installed, id, "mine").await?;
    let record = replay_to_the_end(&stack, &installed, id, json!({"state": "dead", "id": "mine"})).await?;
    assert_eq!(record.counts.sent, 1);
    stack.wait_until(&format!("{id}-e-000"), DeliveryState::Delivered).await?;
    Ok(())
}
