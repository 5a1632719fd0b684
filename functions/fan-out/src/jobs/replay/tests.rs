//! Tests of the steps of a replay, on a stand-in for AWS.

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Value, json};
use storehook_aws::{
    history::{DeliveryItem, PayloadItem, PayloadOwner, ReplayItem},
    registry::WebhookItem,
    stand_in::{StandIn, json_of, json_of_item},
};
use storehook_domain::{
    delivery::{lane::Lane, run::RunId, test_event::test_delivery},
    event::id::EventId,
    history::{
        record::DeliveryRecord,
        run::{Holder, Run},
        state::DeliveryState,
    },
    job::replay::ReplayState,
    payload::digest::PayloadDigest,
    webhook::{Webhook, WebhookId},
};

use super::*;
use crate::{Batch, handle, tests::stand_in::dependencies_of};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn webhook(status: &str) -> Result<Webhook, serde_json::Error> {
    serde_json::from_value(json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "orders/create", "address": "https://b.example/",
        "format": "json", "protocol": "webhook", "status": status, "fields": [], "metafield_namespaces": [],
        "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z", "version": 3,
    }))
}

/// A replay of dead deliveries that has made so many steps, the last of them by message `m-1`.
fn replay(steps: u32) -> Result<ReplayRecord, Box<dyn std::error::Error>> {
    let began_at = storehook_aws::now() - 10.minutes();
    let replay = Replay {
        id: "r1".to_owned(),
        webhook_id: WebhookId::new(7),
        shop: "a.example".parse()?,
        app: "demo".parse()?,
        from: Timestamp::UNIX_EPOCH,
        to: began_at,
        state: ReplayState::Dead,
        per_second: 1,
        began_at,
    };
    let record = ReplayRecord::begin(replay, SignedDuration::from_hours(24));
    Ok(ReplayRecord { steps, noted_by: Some("m-1".to_owned()), ..record })
}

/// The record of a dead delivery, the later the greater its number. Its payload is kept.
fn dead(number: i64) -> Result<DeliveryRecord, Box<dyn std::error::Error>> {
    let created_at = storehook_aws::now() - 60.minutes() + number.seconds();
    let message = test_delivery(&webhook("active")?, EventId::parse(&format!("e{number}"))?, created_at);
    let mut record = DeliveryRecord::begin(&message, SignedDuration::from_hours(24));
    record.state = DeliveryState::Dead;
    record.envelope.payload_digest = Some(PayloadDigest::parse(&"0".repeat(32))?);
    Ok(record)
}

/// AWS with this replay and its webhook, and with these deliveries in the history and in its index.
async fn aws(
    replay: ReplayRecord,
    records: Vec<DeliveryRecord>,
) -> Result<StandIn, Box<dyn std::error::Error>> {
    let aws = StandIn::start().await?;
    aws.put(ReplayItem::of(replay))?;
    aws.reply("Query", json!({"Items": [json_of(WebhookItem::of(webhook("active")?))?]}));
    let items = records.into_iter().map(|record| json_of(DeliveryItem::of(record)));
    let items: Vec<Value> = items.collect::<Result<_, _>>()?;
    aws.reply("Query", json!({"Items": items}));
    (1..4).for_each(|_| aws.reply("Query", json!({})));
    items.into_iter().for_each(|item| aws.put_json(item));
    Ok(aws)
}

/// Replies to the next look for a payload of the event `e1`.
fn keep_payload(aws: &StandIn) -> TestResult {
    let (shop, event_id) = ("a.example".parse()?, EventId::parse("e1")?);
    let (owner, digest) = (PayloadOwner::Event(&shop, &event_id), PayloadDigest::parse(&"0".repeat(32))?);
    let expires_at = storehook_aws::now().as_second() + 600;
    let parts = PayloadItem { owner, digest: &digest, payload: "{}", expires_at }.parts()?;
    aws.reply("Query", json!({"Items": parts.into_iter().map(json_of_item).collect::<Value>()}));
    Ok(())
}

/// Works off the step with this number, which came as this message. Returns whether it failed.
async fn make(
    aws: &StandIn,
    number: u32,
    after: Option<&str>,
    message_id: &str,
    times: Times,
) -> Result<bool, Box<dyn std::error::Error>> {
    let after = after.map(|after| after.to_owned().try_into()).transpose()?;
    let body = Job::Replay(ReplayStep { replay: replay(0)?.replay, number, after }).to_message();
    let message = json!({"messageId": message_id, "receiptHandle": "r", "body": body, "attributes": {}});
    let batch: Batch = serde_json::from_value(json!({"Records": [message]}))?;
    let response = serde_json::to_value(handle(&dependencies_of(aws)?, batch, times).await)?;
    Ok(response["batchItemFailures"] != json!([]))
}

fn soon() -> Times {
    let now = storehook_aws::now();
    Times { now, deadline: now + 60.seconds(), clock: storehook_aws::now }
}

/// The replay as it was last written.
fn noted(aws: &StandIn) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(aws.calls("PutItem").last().ok_or("the replay was not written")?["Item"].clone())
}

/// Each message of the delivery queue.
fn sent(aws: &StandIn) -> Vec<Value> {
    let calls = aws.calls("SendMessageBatch");
    let entries = calls.iter().filter_map(|call| call["Entries"].as_array()).flatten();
    entries.filter_map(|entry| serde_json::from_str(entry["MessageBody"].as_str()?).ok()).collect()
}

#[tokio::test]
async fn a_step_sends_the_deliveries_that_the_replay_includes_once() -> TestResult {
    let mut without_payload = dead(2)?;
    without_payload.envelope.payload_digest = None;
    // The index was a moment behind.
    let delivered = DeliveryRecord { state: DeliveryState::Delivered, ..dead(3)? };
    let mut of_another = dead(4)?;
    of_another.envelope.app = "other".parse()?;
    // An earlier try of the step sent it.
    let mut begun = dead(5)?;
    let holder = Holder { message_id: "m".to_owned(), lane: Lane::Fast, first_message_id: None, copies: 0 };
    begun.runs.push(Run::begin(RunId::Replay("r1".to_owned()), begun.created_at, holder));
    let aws = aws(replay(0)?, vec![dead(1)?, without_payload, delivered, of_another, begun]).await?;
    keep_payload(&aws)?;
    assert!(!make(&aws, 1, None, "m-1", soon()).await?);
    let sent = sent(&aws);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!((&sent[0]["envelope"]["id"], &sent[0]["run"]), (&json!("7-e1"), &json!("replay:r1")));
    let noted = noted(&aws)?;
    let count = |name: &str| noted[name]["N"].clone();
    assert_eq!([count("found"), count("sent"), count("expired")], ["3", "2", "1"]);
    assert_eq!((&noted["status"]["S"], &noted["noted_by"]["S"]), (&json!("done"), &json!("m-1")));
    assert!(aws.calls("SendMessage").is_empty(), "no step follows the last one");
    Ok(())
}

/// A replay of one delivery a second sends five in a step.
#[tokio::test]
async fn a_full_step_queues_the_next_one_behind_its_last_delivery() -> TestResult {
    let records: Vec<_> = (1..=7).map(dead).collect::<Result<_, _>>()?;
    let last = DeliveryItem::of(records[4].clone());
    let aws = aws(replay(1)?, records).await?;
    (0..5).try_for_each(|_| keep_payload(&aws))?;
    assert!(!make(&aws, 2, Some("00000000000000001#e0"), "m-2", soon()).await?);
    assert_eq!(
        aws.calls("Query")[1]["ExpressionAttributeValues"][":low"],
        json!({"S": "00000000000000001#e0"})
    );
    assert_eq!(sent(&aws).len(), 5);
    let (noted, position) = (noted(&aws)?, json_of(last)?["position"].clone());
    assert_eq!((&noted["status"]["S"], &noted["after"]), (&json!("running"), &position));
    let [next] = &aws.calls("SendMessage")[..] else { return Err("one next step".into()) };
    let step: Value = serde_json::from_str(next["MessageBody"].as_str().unwrap_or_default())?;
    assert_eq!((&step["replay"]["number"], &step["replay"]["after"]), (&json!(3), &position["S"]));
    Ok(())
}

/// The time of a step is up, or that of the invocation.
#[tokio::test]
async fn a_late_step_ends_where_it_is() -> TestResult {
    let now = storehook_aws::now();
    for (began, deadline) in [(now - 20.seconds(), now + 60.seconds()), (now, now + 5.seconds())] {
        let aws = StandIn::start().await?;
        aws.put(ReplayItem::of(replay(0)?))?;
        aws.reply("Query", json!({"Items": [json_of(WebhookItem::of(webhook("active")?))?]}));
        let end = "00000000000000009#e9";
        aws.reply("Query", json!({"LastEvaluatedKey": {"position": {"S": end}}}));
        assert!(
            !make(&aws, 1, None, "m-1", Times { now: began, deadline, clock: storehook_aws::now }).await?
        );
        assert_eq!(aws.calls("Query").len(), 1 + 4, "the webhook, and one step of the scan");
        assert_eq!(noted(&aws)?["after"]["S"], end);
    }
    Ok(())
}

#[tokio::test]
async fn a_scan_goes_on_until_the_window_ends() -> TestResult {
    let aws = StandIn::start().await?;
    aws.put(ReplayItem::of(replay(0)?))?;
    aws.reply("Query", json!({"Items": [json_of(WebhookItem::of(webhook("active")?))?]}));
    aws.reply("Query", json!({"LastEvaluatedKey": {"position": {"S": "00000000000000009#e9"}}}));
    assert!(!make(&aws, 1, None, "m-1", soon()).await?);
    assert_eq!((aws.calls("Query").len(), &noted(&aws)?["status"]["S"]), (1 + 2 * 4, &json!("done")));
    Ok(())
}

#[tokio::test]
async fn a_noted_step_queues_the_next_one_for_its_own_message_alone() -> TestResult {
    for (number, message_id, messages) in [(1, "m-1", 1), (1, "m-2", 0), (3, "m-1", 0)] {
        let aws = StandIn::start().await?;
        aws.put(ReplayItem::of(replay(1)?))?;
        assert!(!make(&aws, number, None, message_id, soon()).await?);
        assert_eq!(aws.calls("SendMessage").len(), messages, "step {number} as {message_id}");
        assert!(aws.calls("Query").is_empty() && aws.calls("PutItem").is_empty());
    }
    let forgotten = StandIn::start().await?;
    assert!(!make(&forgotten, 1, None, "m-1", soon()).await?, "an expired replay has no steps");
    Ok(())
}

#[tokio::test]
async fn of_two_messages_that_made_a_step_one_goes_on() -> TestResult {
    for (noted_by, messages) in [("m-1", 1), ("m-2", 0)] {
        let aws = aws(replay(0)?, Vec::new()).await?;
        let before = json!({"Item": json_of(ReplayItem::of(replay(0)?))?});
        (0..2).for_each(|_| aws.reply("GetItem", before.clone()));
        aws.refuse("PutItem", Value::Null);
        aws.put(ReplayItem::of(ReplayRecord { noted_by: Some(noted_by.to_owned()), ..replay(1)? }))?;
        assert!(!make(&aws, 1, None, "m-1", soon()).await?);
        assert_eq!((aws.calls("PutItem").len(), aws.calls("SendMessage").len()), (1, messages), "{noted_by}");
    }
    Ok(())
}

#[tokio::test]
async fn a_replay_stops_when_its_webhook_takes_nothing() -> TestResult {
    let mut unsubscribed = json_of(WebhookItem::of(webhook("active")?))?;
    unsubscribed.as_object_mut().map(|item| item.remove("subscription"));
    for items in [json!([]), json!([unsubscribed]), json!([json_of(WebhookItem::of(webhook("paused")?))?])] {
        let aws = StandIn::start().await?;
        aws.put(ReplayItem::of(replay(0)?))?;
        aws.reply("Query", json!({"Items": items}));
        assert!(!make(&aws, 1, None, "m-1", soon()).await?);
        assert_eq!((&noted(&aws)?["status"]["S"], aws.calls("Query").len()), (&json!("stopped"), 1));
    }
    Ok(())
}

#[tokio::test]
async fn a_step_counts_only_what_sqs_took_and_fails_if_sqs_does() -> TestResult {
    let aws_with_one = || async {
        let aws = aws(replay(0)?, vec![dead(1)?]).await?;
        keep_payload(&aws)?;
        Ok::<_, Box<dyn std::error::Error>>(aws)
    };
    let aws = aws_with_one().await?;
    let refused = json!({"Id": "0", "Code": "InvalidMessageContents", "SenderFault": true});
    aws.reply("SendMessageBatch", json!({"Successful": [], "Failed": [refused]}));
    assert!(!make(&aws, 1, None, "m-1", soon()).await?);
    assert_eq!((&noted(&aws)?["found"]["N"], &noted(&aws)?["sent"]["N"]), (&json!("1"), &json!("0")));
    let aws = aws_with_one().await?;
    ["directly", "by the SDK"].iter().for_each(|_| aws.refuse("SendMessageBatch", Value::Null));
    assert!(make(&aws, 1, None, "m-1", soon()).await?, "the step comes again");
    assert!(aws.calls("PutItem").is_empty());
    assert_eq!(aws.calls("ChangeMessageVisibility").len(), 1);
    Ok(())
}
