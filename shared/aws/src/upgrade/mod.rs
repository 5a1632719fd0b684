//! Tests that what an earlier release stored and queued is read with the same meaning.
//!
//! `before_the_panel.json` was written by the code of commit `d80468e~1`, of 2026-11-26, the last one
//! before the panel: its items in DynamoDB's JSON, and its texts as they were sent.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use storehook_domain::{
    delivery::{lane::Lane, message::DeliveryMessage, run::RunId},
    history::{
        query::DeliveryPosition,
        record::{DeliveryRecord, admission::Admission},
        run::Receive,
        state::DeliveryState,
    },
    installation::{Installation, Scope, token::TokenHash},
    job::{
        fan_out::record::ShareRecord,
        message::Job,
        replay::{ReplayState, record::ReplayStatus},
        turn::Turn,
    },
    webhook::{Format, Status, WebhookId},
};

use crate::{
    AwsConfig, Retention,
    history::{DeliveryItem, HistoryTable, IndexedDelivery, ReplayItem, list_shards},
    registry::{HealthItem, InstallationItem, TokenItem, UniquenessItem, WebhookItem},
    stand_in::{StandIn, from_json, json_of_item},
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const NOW: i64 = 1_795_000_000;
const PAYLOAD: &str = r#"{"id": 450789469, "total":199.0}"#;

fn stored(kind: &str, name: &str) -> serde_json::Result<Value> {
    let all: Value = serde_json::from_str(include_str!("before_the_panel.json"))?;
    Ok(all[kind][name].clone())
}

fn item<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, Box<dyn std::error::Error>> {
    Ok(from_json(&stored("items", name)?).ok_or_else(|| format!("{name} is not read"))?)
}

fn text(name: &str) -> Result<String, Box<dyn std::error::Error>> {
    Ok(stored("texts", name)?.as_str().ok_or_else(|| format!("no {name}"))?.to_owned())
}

#[test]
fn a_webhook_keeps_its_attributes_and_its_place() -> TestResult {
    let webhook = item::<WebhookItem>("webhook")?;
    assert_eq!((webhook.lane, webhook.lane_since), (None, None), "it is judged anew");
    let webhook = webhook.webhook;
    assert_eq!((webhook.id, webhook.version), (WebhookId::new(7), 3));
    assert_eq!((webhook.shop.as_str(), webhook.app.as_str()), ("a.example", "demo"));
    assert_eq!((webhook.format, webhook.status), (Format::Xml, Status::Disabled));
    assert_eq!(webhook.address.as_str(), "https://b.example/hooks?a=1");
    assert_eq!((webhook.fields.len(), webhook.metafield_namespaces.len()), (2, 2));
    assert_eq!(serde_json::to_value(&webhook.custom_headers)?["x-key"], "v");
    // What is written now of the same webhook is in the same place, and means the same to fan-out.
    let now = crate::stand_in::json_of(WebhookItem::of(webhook.clone()))?;
    assert_eq!(now, stored("items", "webhook")?);
    let unique = json_of_item(UniquenessItem::of(&webhook).key());
    let place = stored("items", "uniqueness")?;
    assert_eq!((&unique["pk"], &unique["sk"]), (&place["pk"], &place["sk"]));
    Ok(())
}

#[test]
fn a_failure_run_goes_on_as_the_health_of_its_webhook() -> TestResult {
    let health = item::<HealthItem>("failure_run")?;
    let run = health.run().ok_or("a run")?;
    assert_eq!((run.attempts, run.since.as_second(), health.webhook_version), (12, NOW, 3));
    assert_eq!((health.waiting(), health.is_open(), health.recovery_version), (0, false, 0));
    assert_eq!(health.webhook_id(), Some(WebhookId::new(7)));
    Ok(())
}

#[test]
fn an_installation_keeps_its_token_and_its_secrets() -> TestResult {
    let token = item::<TokenItem>("token")?;
    assert_eq!(
        json_of_item(TokenItem::key_of(&TokenHash::of("shtk_a")))["pk"],
        stored("items", "token")?["pk"]
    );
    assert_eq!(token.bucket_empty_at, Some(1_795_000_000_000_000));
    assert_eq!((token.panel_bucket_empty_at, token.sessions_since), (None, None));
    assert_eq!(token.scopes, [Scope::Webhooks, Scope::EventsPush]);
    let installed = item::<InstallationItem>("installation")?;
    assert_eq!(installed.token_key(), TokenItem::key_of(&TokenHash::of("shtk_a")));
    assert_eq!((installed.version, installed.ended_by.len()), (2, 1));
    assert!(installed.webhook_count().is_none(), "nobody has counted its webhooks");
    let installation = Installation::from(installed);
    let signing = |second: i64| {
        let now = Timestamp::from_second(second)?;
        Ok::<_, jiff::Error>(installation.secrets.iter().filter(|secret| secret.signs(now)).count())
    };
    assert_eq!((signing(NOW - 1)?, signing(NOW)?), (2, 1), "the older secret retires when it was to");
    Ok(())
}

#[test]
fn a_delivery_waits_on_as_its_record_says() -> TestResult {
    let first = text("message_first")?;
    let message = DeliveryMessage::parse(first.as_bytes())?;
    let receive = |message_id| Receive { message_id, lane: Lane::Fast };
    let now = Timestamp::from_second(NOW + 10)?;
    let own = "059f36b4-87a3-44ab-83d2-661975800001";
    for (name, state, attempts, admission, of_another) in [
        ("record_retrying", DeliveryState::Retrying, 1, Admission::Attempt, Admission::Superseded),
        ("record_delivered", DeliveryState::Delivered, 2, Admission::Delivered, Admission::Delivered),
        ("record_held", DeliveryState::Held, 0, Admission::Attempt, Admission::Attempt),
    ] {
        let record = item::<DeliveryItem>(name)?.record;
        assert_eq!((record.state, record.attempt_count, record.held_for), (state, attempts, None), "{name}");
        assert_eq!(record.expires_at, NOW + 86_400, "{name}");
        assert_eq!(record.envelope, message.envelope, "{name}");
        assert_eq!(record.admission(&message, receive(own), now), admission, "{name}");
        assert_eq!(record.admission(&message, receive("m-2"), now), of_another, "{name}");
        let indexed = item::<IndexedDelivery>(name)?;
        assert_eq!((indexed.state, indexed.held_for), (state, None), "{name}");
        assert_eq!(indexed.latency_ms, record.latency_ms, "{name}");
        // The packed item takes the place of the plain one, in the table and in its index.
        let (was, is) = (stored("items", name)?, crate::stand_in::json_of(DeliveryItem::of(record))?);
        for kept in ["pk", "sk", "webhook_shard", "position", "state", "version", "expires_at"] {
            assert_eq!(was[kept], is[kept], "{name} {kept}");
        }
        assert!(list_shards(WebhookId::new(7)).any(|shard| is["webhook_shard"]["S"] == shard), "{name}");
        assert_eq!(from_json::<DeliveryItem>(&is).map(|item| item.record.state), Some(state), "{name}");
    }
    let dead = item::<DeliveryItem>("record_dead")?.record;
    let request = dead.request.ok_or("a request")?;
    assert_eq!(
        (dead.state, dead.attempts[0].status, request.headers.len()),
        (DeliveryState::Dead, Some(503), 1)
    );
    Ok(())
}

#[test]
fn messages_that_wait_are_deliveries_of_the_same_runs() -> TestResult {
    for (name, run, lane, copies) in [
        ("message_first", RunId::Event, Lane::Fast, 0),
        ("message_copy", RunId::Event, Lane::Slow, 1),
        ("message_redriven", RunId::Redrive("m-9".to_owned()), Lane::Fast, 0),
        ("message_replayed", RunId::Replay("r1".to_owned()), Lane::Fast, 0),
    ] {
        let body = text(name)?;
        let message = DeliveryMessage::parse(body.as_bytes())?;
        assert_eq!((&message.run, message.lane), (&run, lane), "{name}");
        assert_eq!(message.delay.as_ref().map_or(0, |delay| delay.number), copies, "{name}");
        assert_eq!(
            (message.envelope.id.to_string().as_str(), message.payload().as_str()),
            ("7-e-1", PAYLOAD)
        );
        assert_eq!((message.enqueued_at.as_second(), &message.envelope.payload_page), (NOW, &None), "{name}");
        assert_eq!(message.to_message(), body, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_kept_payload_is_found_by_its_record() -> TestResult {
    let aws = StandIn::start().await?;
    let environment = aws.environment(&[]);
    aws.reply("Query", serde_json::json!({"Items": [stored("items", "payload")?]}));
    let history = HistoryTable {
        client: aws_sdk_dynamodb::Client::new(&AwsConfig::read(&environment)?.sdk),
        direct: None,
        name: "history".to_owned(),
        retention: Retention::read(&environment)?,
    };
    let record: DeliveryRecord = item::<DeliveryItem>("record_dead")?.record;
    let now = Timestamp::from_second(NOW)? + SignedDuration::from_mins(1);
    assert_eq!(history.load_payload(&record, now).await?.as_deref(), Some(PAYLOAD));
    let query = &aws.calls("Query")[0]["ExpressionAttributeValues"];
    assert_eq!(query[":pk"], stored("items", "payload")?["pk"]);
    Ok(())
}

#[test]
fn a_replay_and_its_next_step_go_on() -> TestResult {
    let record = item::<ReplayItem>("replay")?.record;
    assert_eq!((record.status, record.steps, record.counted), (ReplayStatus::Running, 1, None));
    assert_eq!((record.counts.found, record.counts.sent, record.counts.expired), (3, 2, 1));
    let Job::Replay(step) = Job::parse(&text("job_replay")?)? else { return Err("no replay".into()) };
    assert_eq!((step.number, step.replay.state), (2, ReplayState::Held));
    assert_eq!(record.turn(&step, "m-2"), Turn::Make);
    assert_eq!(record.next_step().map(|(next, _)| next), Some(step));
    Ok(())
}

/// It has neither an id nor a number: a share was one step.
#[test]
fn a_share_of_a_large_event_is_made_and_noted() -> TestResult {
    let Job::FanOut(share) = Job::parse(&text("job_fan_out")?)? else { return Err("no share".into()) };
    assert_eq!((share.number, share.range.to, share.done.len()), (1, WebhookId::new(1_600), 0));
    assert_eq!(ShareRecord::turn(None, &share, "m-1"), Turn::Make);
    assert_eq!(share.id.len(), 64, "its event names it");
    Ok(())
}

#[test]
fn a_list_goes_on_from_its_cursor() -> TestResult {
    let position = DeliveryPosition::from_page_info(&text("page_info")?)?;
    assert_eq!(position.as_key(), "01795000000000000#e-1");
    Ok(())
}
