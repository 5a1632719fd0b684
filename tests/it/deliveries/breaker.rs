//! Breakers: a failing endpoint's deliveries are held, and come back by themselves.

use std::collections::BTreeSet;

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_tests::{Receiver, Stack, eventually};
use tokio::sync::OnceCell;

use super::failing::{Failing, each_once};

/// A breaker opens after two failures that span 0.6 s, and the first probe comes a second later.
const PARAMETERS: [(&str, &str); 2] = [("BreakerFailures", "2"), ("RetryTimeScale", "0.01")];

static STACK: OnceCell<Stack> = OnceCell::const_new();

async fn failing() -> Result<Failing> {
    let stack = STACK.get_or_try_init(|| Stack::deploy("storehook-breaker", &PARAMETERS)).await?;
    Failing::start(stack.clone()).await
}

#[tokio::test]
async fn what_a_failing_endpoint_missed_arrives_once_each_when_it_works_again() -> Result<()> {
    let failing = failing().await?;
    let (told, all) =
        (Receiver::responding(StatusCode::OK).await?, Receiver::responding(StatusCode::OK).await?);
    let api = &failing.installed.api;
    for topic in ["webhooks/failing", "webhooks/recovered"] {
        api.create_webhook(topic, &told.url).await?;
    }
    api.create_webhook("*", &all.url).await?;
    let events = ["o-0", "o-1", "o-2", "o-3", "o-4"];
    failing.publish(&events[..1]).await?;
    failing.wait_until_open().await?;
    let attempts = failing.receiver.so_far().len();
    failing.publish(&events[1..]).await?;

    let held = failing.wait_until_held(events.len()).await?;
    assert!(held.values().all(|reason| *reason == "failing"), "{held:?}");
    let shown = failing.shown().await?;
    assert_eq!((&shown["status"], &shown["held_count"]), (&json!("active"), &json!(events.len())));
    assert!(shown["failing_since"].is_string() && shown["disables_at"].is_string(), "{shown}");
    let delivery = failing.get(&format!("/admin/deliveries/{}-o-1.json", failing.id)).await?;
    assert_eq!(delivery["delivery"]["held_for"], "failing");
    let list = failing.get("/admin/webhooks.json?fields=id,failing_since,next_probe_at").await?;
    assert_eq!(list["webhooks"][0]["failing_since"], shown["failing_since"], "{list}");
    assert!(list["webhooks"][0]["next_probe_at"].is_string(), "{list}");
    assert!(list["webhooks"][1]["failing_since"].is_null(), "{list}");
    let event = &told.wait_for(1).await?[0];
    assert_eq!(event.header("x-spiffy-stores-topic"), "webhooks/failing");
    let payload: Value = serde_json::from_slice(&event.body)?;
    assert_eq!(payload["id"], failing.id);

    // A probe is another delivery each time.
    failing
        .receiver
        .wait_until("two probes", |answered| {
            let probed: BTreeSet<_> = answered[attempts.min(answered.len())..]
                .iter()
                .map(|delivered| delivered.header("webhook-id").to_owned())
                .collect();
            probed.len() >= 2
        })
        .await?;
    failing.mend();
    let arrived = failing
        .receiver
        .wait_until("all events", |answered| {
            answered.iter().filter(|delivered| delivered.status == StatusCode::OK).count() >= events.len()
        })
        .await?;
    let replayed = arrived.iter().filter(|delivered| !delivered.header("x-spiffy-stores-replay").is_empty());
    assert_eq!(replayed.count(), 0, "neither a probe nor a catch-up is a replay");
    failing.wait_until_recovered().await?;
    assert_eq!(failing.taken(), each_once(&events));
    let shown = failing.shown().await?;
    for (name, expected) in [
        ("failing_since", Value::Null),
        ("next_probe_at", Value::Null),
        ("disables_at", Value::Null),
        ("held_count", json!(0)),
    ] {
        assert_eq!(shown[name], expected, "{name}: {shown}");
    }

    let told = told.wait_for(2).await?;
    assert_eq!(told[1].header("x-spiffy-stores-topic"), "webhooks/recovered");
    let payload: Value = serde_json::from_slice(&told[1].body)?;
    assert_eq!(payload["id"], failing.id);
    assert_eq!(told.len(), 2, "each is told once");
    let topics: Vec<_> = all
        .wait_for(events.len())
        .await?
        .iter()
        .map(|one| one.header("x-spiffy-stores-topic").to_owned())
        .collect();
    assert!(topics.iter().all(|topic| topic == "orders/create"), "{topics:?}");
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_was_paused_while_it_failed_recovers_when_it_is_resumed() -> Result<()> {
    let failing = failing().await?;
    failing.publish(&["o-0"]).await?;
    failing.wait_until_open().await?;
    failing.publish(&["o-1", "o-2"]).await?;
    failing.wait_until_held(3).await?;
    failing.change(json!({"status": "paused"})).await?;
    failing.publish(&["p-0"]).await?;
    let held = failing.wait_until_held(4).await?;
    assert_eq!(held["p-0"], "paused", "{held:?}");
    eventually("the probes to stop", || async {
        let is_parked = failing.health().await?.recovery.is_some_and(|recovery| recovery.due_at.is_none());
        Ok(is_parked.then_some(()))
    })
    .await?;
    let shown = failing.shown().await?;
    assert!(shown["failing_since"].is_string() && shown["next_probe_at"].is_null(), "{shown}");
    assert_eq!((&shown["disables_at"], &shown["held_count"]), (&Value::Null, &json!(4)));

    failing.mend();
    failing.change(json!({"status": "active"})).await?;
    failing
        .receiver
        .wait_until("what was held for its endpoint", |answered| {
            answered.iter().filter(|delivered| delivered.status == StatusCode::OK).count() >= 3
        })
        .await?;
    failing.wait_until_recovered().await?;
    assert_eq!(failing.taken(), each_once(&["o-0", "o-1", "o-2"]));
    let held = failing.wait_until_held(1).await?;
    assert_eq!(held["p-0"], "paused", "its owner replays what came while it was paused");
    Ok(())
}

#[tokio::test]
async fn a_failing_webhook_recovers_by_hand_or_at_another_address_and_ends_when_it_is_deleted() -> Result<()>
{
    // One delivery that somebody sends again finds the endpoint mended.
    let mended = failing().await?;
    let moved = failing().await?;
    let deleted = failing().await?;
    for failing in [&mended, &moved, &deleted] {
        failing.publish(&["o-0"]).await?;
    }
    for failing in [&mended, &moved, &deleted] {
        failing.wait_until_open().await?;
        failing.publish(&["o-1", "o-2"]).await?;
    }
    for failing in [&mended, &moved, &deleted] {
        failing.wait_until_held(3).await?;
    }
    mended.mend();
    let path = format!("/admin/deliveries/{}-o-1/redeliver.json", mended.id);
    let again = mended.installed.api.call(Method::POST, &path, None).await?;
    assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.json);

    let elsewhere = Receiver::responding(StatusCode::OK).await?;
    moved.change(json!({"address": elsewhere.url})).await?;

    let path = format!("/admin/webhooks/{}.json", deleted.id);
    assert_eq!(deleted.installed.api.call(Method::DELETE, &path, None).await?.status, StatusCode::OK);
    eventually("the recovery to end", || async {
        Ok(deleted.health().await?.recovery.is_none().then_some(()))
    })
    .await?;

    elsewhere.wait_for(3).await?;
    moved.wait_until_recovered().await?;
    let mut arrived: Vec<_> = elsewhere
        .so_far()
        .iter()
        .map(|delivered| delivered.header("x-spiffy-stores-event-id").to_owned())
        .collect();
    arrived.sort();
    assert_eq!(arrived, ["o-0", "o-1", "o-2"]);
    assert!(moved.taken().is_empty());

    mended.wait_until_recovered().await?;
    // A probe may find the endpoint mended at the same moment. Then the redelivery repeats what has arrived.
    let mut taken = mended.taken();
    let again = taken.insert("o-1".to_owned(), 1);
    assert!(matches!(again, Some(1 | 2)), "{again:?}");
    assert_eq!(taken, each_once(&["o-0", "o-1", "o-2"]));
    Ok(())
}

/// The sweep is a schedule of five minutes; here it is called.
#[tokio::test]
async fn a_recovery_whose_step_was_lost_is_found_by_the_sweep() -> Result<()> {
    for is_parked in [false, true] {
        let failing = failing().await?;
        failing.publish(&["o-0"]).await?;
        failing.wait_until_open().await?;
        failing.publish(&["o-1"]).await?;
        failing.wait_until_held(2).await?;
        failing.lose_step(is_parked).await?;
        failing.mend();
        eventually("the sweep to find it", || async {
            failing.stack.invoke("fan-out", &json!({"sweep": "recoveries"})).await?;
            Ok((failing.taken().len() == 2).then_some(()))
        })
        .await?;
        failing.wait_until_recovered().await?;
        assert_eq!(failing.taken(), each_once(&["o-0", "o-1"]), "parked: {is_parked}");
    }
    Ok(())
}

#[tokio::test]
async fn a_test_event_is_attempted_while_a_breaker_is_open_and_closes_it() -> Result<()> {
    let failing = failing().await?;
    failing.publish(&["o-0"]).await?;
    failing.wait_until_open().await?;
    failing.publish(&["o-1"]).await?;
    failing.wait_until_held(2).await?;
    failing.stop_probes().await?;
    failing.mend();
    let path = format!("/admin/webhooks/{}/test.json", failing.id);
    let tested = failing.installed.api.call(Method::POST, &path, None).await?;
    assert_eq!(tested.status, StatusCode::ACCEPTED, "{}", tested.json);
    failing.wait_until_recovered().await?;
    let mut taken = failing.taken();
    assert_eq!(taken.len(), 3, "{taken:?}");
    taken.retain(|event, _| event.starts_with("o-"));
    assert_eq!(taken, each_once(&["o-0", "o-1"]));
    Ok(())
}

#[tokio::test]
async fn an_integration_that_asks_for_a_delay_closes_its_breaker() -> Result<()> {
    let stack = STACK.get_or_try_init(|| Stack::deploy("storehook-breaker", &PARAMETERS)).await?;
    let failing = Failing::start_delaying(stack.clone()).await?;
    failing.publish(&["o-0"]).await?;
    failing.wait_until_open().await?;
    failing.publish(&["o-1"]).await?;
    failing.wait_until_held_for("failing").await?;
    failing.mend();
    failing.wait_until_held(0).await?;
    failing.wait_until_recovered().await?;
    assert!(failing.shown().await?["failing_since"].is_null());
    Ok(())
}
