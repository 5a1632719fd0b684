//! Tests of replays and redeliveries: what they write and queue.

use axum::http::StatusCode;
use jiff::{SignedDuration, ToSpan as _};
use serde_json::{Value, json};
use storehook_aws::{
    history::{DeliveryItem, ReplayItem},
    registry::WebhookItem,
    stand_in::json_of,
};
use storehook_domain::{
    delivery::envelope::Envelope,
    history::{record::DeliveryRecord, state::DeliveryState},
    job::replay::{Replay, ReplayState, record::ReplayRecord},
    webhook::WebhookId,
};

use crate::{
    deliveries::tests::record as delivery,
    stand_in::{Api, TestResult, webhook},
};

/// The record of a replay that began so many minutes ago and has made so many steps.
fn replay(id: &str, minutes: i64, steps: u32) -> Result<ReplayRecord, Box<dyn std::error::Error>> {
    let now = storehook_aws::now();
    let replay = Replay {
        id: id.to_owned(),
        webhook_id: WebhookId::new(7),
        shop: "a.example".parse()?,
        app: "demo".parse()?,
        from: "2026-11-20T00:00:00Z".parse()?,
        to: "2026-11-21T00:00:00Z".parse()?,
        state: ReplayState::Dead,
        per_second: 50,
        began_at: now - minutes.minutes(),
    };
    Ok(ReplayRecord { steps, ..ReplayRecord::begin(replay, SignedDuration::from_hours(24)) })
}

#[tokio::test]
async fn a_dry_run_counts_every_step_and_queues_nothing() -> TestResult {
    let api = Api::start().await?;
    let items: Vec<_> = [("e3", 3), ("e2", 2), ("e1", 1)]
        .into_iter()
        .map(|(event_id, minutes)| {
            let record = DeliveryRecord { state: DeliveryState::Delivered, ..delivery(event_id, minutes)? };
            Ok(json_of(DeliveryItem::of(record))?)
        })
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    api.reply("Query", json!({"Items": items[..2], "LastEvaluatedKey": {"position": items[1]["position"]}}));
    (1..4).for_each(|_| api.reply("Query", json!({})));
    api.reply("Query", json!({"Items": items[2..]}));
    let from = "2026-11-20T00:00:00Z";
    let body = json!({"replay": {"state": "all", "dry_run": true, "from": from}});
    let (status, _, body) = api.send("POST /admin/webhooks/7/replay", body).await?;
    let shown = &body["replay"];
    assert_eq!((status, &shown["found"], &shown["complete"]), (StatusCode::OK, &json!(3), &json!(true)));
    assert_eq!((&shown["from"], &shown["dry_run"]), (&json!("2026-11-20T05:30:00+05:30"), &json!(true)));
    assert!(api.calls("SendMessage").is_empty() && api.calls("PutItem").is_empty());
    Ok(())
}

/// SQS moved their messages to the dead letters by its own count, and only the records tell.
#[tokio::test]
async fn a_dry_run_counts_overdue_deliveries_as_the_replay_does() -> TestResult {
    let now = storehook_aws::now();
    let with = |event_id: &str, state: DeliveryState, attempts: u64, due: i64| {
        let record = DeliveryRecord { state, attempt_count: attempts, ..delivery(event_id, 600)? };
        Ok::<_, Box<dyn std::error::Error>>(DeliveryRecord {
            next_attempt_at: Some(now - due.minutes()),
            ..record
        })
    };
    let records = [
        with("e1", DeliveryState::Dead, 20, 0)?,
        with("e2", DeliveryState::Retrying, 3, 241)?,
        with("e3", DeliveryState::Pending, 1, 241)?,
        with("e4", DeliveryState::Retrying, 3, 239)?,
        with("e5", DeliveryState::Pending, 0, 241)?,
        DeliveryRecord {
            envelope: Envelope {
                app: "other".parse()?,
                ..with("e6", DeliveryState::Retrying, 3, 241)?.envelope
            },
            ..with("e6", DeliveryState::Retrying, 3, 241)?
        },
    ];
    // The index filters, so the ways differ in what it returns.
    for (state, in_index, found) in [("dead", &records[..], 3), ("all", &records[..5], 4), ("held", &[], 0)] {
        let api = Api::start().await?;
        let items = in_index.iter().cloned().map(|record| json_of(DeliveryItem::of(record)));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        api.reply("Query", json!({"Items": items}));
        items.into_iter().for_each(|item| api.put_json(item));
        let body = json!({"replay": {"state": state, "dry_run": true}});
        let (_, _, body) = api.send("POST /admin/webhooks/7/replay", body).await?;
        assert_eq!(
            (&body["replay"]["found"], &body["replay"]["complete"]),
            (&json!(found), &json!(true)),
            "{state}"
        );
        let states = api.calls("Query")[0]["ExpressionAttributeValues"].as_object().ok_or("values")?.clone();
        let asked = states.iter().filter(|(name, _)| name.starts_with(":state")).count();
        assert_eq!(
            asked,
            ReplayState::ALL
                .into_iter()
                .find(|known| known.as_str() == state)
                .map_or(0, |known| known.indexed_states().count())
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_replay_is_recorded_and_its_first_step_queued() -> TestResult {
    let api = Api::start().await?;
    let body = json!({"replay": {"state": "dead", "per_second": 3}});
    let (status, _, body) = api.send("POST /admin/webhooks/7/replay", body).await?;
    let shown = &body["replay"];
    assert_eq!((status, &shown["state"]), (StatusCode::ACCEPTED, &json!("running")));
    assert_eq!((&shown["deliveries"], &shown["per_second"]), (&json!("dead"), &json!(3)));
    assert_eq!(api.calls("PutItem")[0]["Item"]["sk"]["S"], shown["id"]);
    assert_eq!(api.calls("SendMessage")[0]["QueueUrl"], "https://sqs/jobs");
    Ok(())
}

/// The message of the first step may have been lost. Once a step is made, it was not.
#[tokio::test]
async fn the_same_request_again_queues_only_a_step_that_may_be_lost() -> TestResult {
    for (steps, messages) in [(0, 1), (1, 0)] {
        let api = Api::start().await?;
        api.put(ReplayItem::of(replay("r1", 1, steps)?))?;
        let body = json!({"replay": {"state": "dead", "id": "r1"}});
        let (status, _, body) = api.send("POST /admin/webhooks/7/replay", body).await?;
        assert_eq!((status, &body["replay"]["id"]), (StatusCode::ACCEPTED, &json!("r1")));
        assert_eq!((api.calls("PutItem").len(), api.calls("SendMessage").len()), (0, messages), "{steps}");
    }
    Ok(())
}

#[tokio::test]
async fn of_two_requests_with_one_id_both_get_the_replay_that_was_first() -> TestResult {
    let api = Api::start().await?;
    // The first look finds nothing. Then the other request writes its replay.
    api.reply("GetItem", json_of_token(&api)?);
    api.reply("GetItem", json!({"Item": json_of(WebhookItem::of(webhook(json!({}))?))?}));
    api.reply("GetItem", json!({}));
    api.refuse("PutItem", Value::Null);
    let first = ReplayRecord {
        replay: Replay { per_second: 9, ..replay("r1", 1, 0)?.replay },
        ..replay("r1", 1, 0)?
    };
    api.put(ReplayItem::of(first))?;
    let body = json!({"replay": {"state": "dead", "id": "r1", "per_second": 3}});
    let (_, _, body) = api.send("POST /admin/webhooks/7/replay", body).await?;
    assert_eq!(body["replay"]["per_second"], 9);
    Ok(())
}

fn json_of_token(api: &Api) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(json!({"Item": api.item("TOKEN").ok_or("no token")?}))
}

#[tokio::test]
async fn invalid_replays_are_refused() -> TestResult {
    for (days, status, members, told) in [
        ("30", "paused", json!({"state": "dead"}), json!({"webhook": ["is paused"]})),
        ("0", "active", json!({"state": "dead"}), json!({"history": ["is switched off"]})),
        ("0", "active", json!({"state": "dead", "dry_run": true}), json!({"history": ["is switched off"]})),
        ("30", "active", json!({}), json!({"state": ["can't be blank"]})),
    ] {
        let api = Api::with(&[("RATE_LIMIT_BURST", "0"), ("HISTORY_DELIVERY_DAYS", days)]).await?;
        api.put(WebhookItem::of(webhook(json!({"status": status}))?))?;
        let (status, _, body) = api.send("POST /admin/webhooks/7/replay", json!({"replay": members})).await?;
        assert_eq!((status, body), (StatusCode::UNPROCESSABLE_ENTITY, json!({"errors": told})));
        assert!(api.calls("SendMessage").is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn replays_are_listed_the_latest_first_and_shown_by_their_id() -> TestResult {
    let api = Api::start().await?;
    let (early, late) = (ReplayItem::of(replay("r1", 9, 0)?), ReplayItem::of(replay("r2", 1, 0)?));
    api.reply("Query", json!({"Items": [json_of(early)?, json_of(late.clone())?]}));
    api.put(late)?;
    let (_, _, list) = api.send("GET /admin/webhooks/7/replays", Value::Null).await?;
    let ids: Vec<_> = list["replays"].as_array().into_iter().flatten().map(|shown| &shown["id"]).collect();
    assert_eq!(ids, ["r2", "r1"]);
    for (path, status) in [
        ("7/replays/r2", StatusCode::OK),
        ("7/replays/r3", StatusCode::NOT_FOUND),
        ("8/replays/r2", StatusCode::NOT_FOUND),
        ("x/replays/r2", StatusCode::NOT_FOUND),
        ("7/replays/r%202", StatusCode::NOT_FOUND),
    ] {
        let (told, _, body) = api.send(&format!("GET /admin/webhooks/{path}"), Value::Null).await?;
        assert_eq!(told, status, "{path}");
        if status == StatusCode::OK {
            assert_eq!((&body["replay"]["id"], &body["replay"]["webhook_id"]), (&json!("r2"), &json!(7)));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_running_replay_is_stopped_once() -> TestResult {
    let api = Api::start().await?;
    let running = replay("r1", 1, 2)?;
    let stopped = running.clone().stopped(storehook_aws::now()).ok_or("it ran")?;
    for (record, writes) in [(running, 1), (stopped, 0)] {
        let api = Api::start().await?;
        api.put(ReplayItem::of(record))?;
        let (status, _, body) = api.send("DELETE /admin/webhooks/7/replays/r1", Value::Null).await?;
        assert_eq!((status, &body["replay"]["state"]), (StatusCode::OK, &json!("stopped")));
        assert!(body["replay"]["ended_at"].is_string());
        assert_eq!(api.calls("PutItem").len(), writes);
    }
    let (status, ..) = api.send("DELETE /admin/webhooks/7/replays/r9", Value::Null).await?;
    assert_eq!(status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn a_delivery_whose_payload_is_gone_is_not_sent_again() -> TestResult {
    let api = Api::start().await?;
    api.put(DeliveryItem::of(delivery("e1", 1)?))?;
    let (status, _, body) = api.send("POST /admin/deliveries/7-e1/redeliver", Value::Null).await?;
    let errors = json!({"errors": {"payload": ["is no longer kept"]}});
    assert_eq!((status, body), (StatusCode::UNPROCESSABLE_ENTITY, errors));
    api.take("WEBHOOK#");
    let (_, _, body) = api.send("POST /admin/deliveries/7-e1/redeliver", Value::Null).await?;
    assert_eq!(body, json!({"errors": {"webhook": ["has been deleted"]}}));
    assert!(api.calls("SendMessageBatch").is_empty());
    Ok(())
}
