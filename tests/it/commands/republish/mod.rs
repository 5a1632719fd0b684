//! `storehook republish`: what is in the rejected queue and in the bucket goes back to where it
//! belongs.

mod mended;
mod places;

use std::collections::BTreeSet;

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use serde_json::{Value, json};
use storehook_domain::{
    event::{id::EventId, origin::RecordOrigin, rejected::RejectedEvent},
    history::state::DeliveryState,
};
use storehook_tests::{Delivered, Installed, Receiver, Stack, record};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::{storehook_on, told};

static STACK: OnceCell<Stack> = OnceCell::const_new();
static TURN: Mutex<()> = Mutex::const_new(());

/// The stack of these tests, for one test at a time: each works on the whole queue and bucket.
async fn turn() -> Result<(Stack, MutexGuard<'static, ()>)> {
    let turn = TURN.lock().await;
    let stack = STACK.get_or_try_init(|| Stack::deploy("storehook-republish", &[])).await?;
    Ok((stack.clone(), turn))
}

fn origin(sequence_number: &str) -> RecordOrigin<'_> {
    RecordOrigin { shard_id: "shardId-old", sequence_number, arrived_at: jiff::Timestamp::UNIX_EPOCH }
}

/// Puts messages into the rejected queue.
async fn put(stack: &Stack, bodies: &[String]) -> Result<()> {
    let client = aws_sdk_sqs::Client::new(&stack.sdk());
    let url = stack.queue_url("rejected").await?;
    for body in bodies {
        client.send_message().queue_url(&url).message_body(body).send().await?;
    }
    Ok(())
}

/// An event without an id, so that its id comes from its place on the stream.
fn without_id(installed: &Installed, payload: &str) -> String {
    format!(r#"{{"shop": "{}", "topic": "orders/create", "payload": {payload}}}"#, installed.shop)
}

/// The stack's bucket.
async fn bucket(stack: &Stack) -> Result<String> {
    Ok(stack.connection().outputs().await?.given_up_records.clone())
}

/// What Lambda writes about these records, with the records or with their place alone.
fn given_up(records: &[(&str, &str)], is_whole: bool) -> String {
    let event = records.iter().map(|(sequence_number, data)| {
        json!({
            "eventID": format!("shardId-old:{sequence_number}"),
            "kinesis": {
                "partitionKey": "k", "sequenceNumber": sequence_number, "data": STANDARD.encode(data),
                "approximateArrivalTimestamp": 0.5,
            },
        })
    });
    let payload = is_whole.then(|| json!({"Records": event.collect::<Vec<_>>()}).to_string());
    json!({
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "KinesisBatchInfo": {
            "shardId": "shardId-old", "startSequenceNumber": records.first().map_or("0", |first| first.0),
            "endSequenceNumber": records.last().map_or("0", |last| last.0), "batchSize": records.len(),
        },
        "payload": payload,
    })
    .to_string()
}

async fn put_object(stack: &Stack, key: &str, body: &str) -> Result<()> {
    let arguments = json!({"Bucket": bucket(stack).await?, "Key": key, "Body": body});
    stack.aws("s3", "put_object", arguments).await.map(|_| ())
}

async fn keys(stack: &Stack) -> Result<Vec<String>> {
    let listed = stack.aws("s3", "list_objects_v2", json!({"Bucket": bucket(stack).await?})).await?;
    let objects = listed["Contents"].as_array().cloned().unwrap_or_default();
    Ok(objects.iter().filter_map(|object| object["Key"].as_str().map(str::to_owned)).collect())
}

/// Runs the command, and returns the JSON that it prints.
async fn republished(stack: &Stack, options: &[&str], status: i32) -> Result<Value> {
    let command = storehook_on(stack, &[&["republish", "--json"], options].concat()).await?;
    Ok(serde_json::from_str(&told(command, status).await?)?)
}

/// The counts of a kind from a source: found, republished, dropped, left.
fn counts(summary: &Value, kind: &str, source: &str) -> [u64; 4] {
    let rows = summary["counts"].as_array().into_iter().flatten();
    let row = rows.into_iter().find(|row| row["kind"] == kind && row["source"] == source);
    ["found", "republished", "dropped", "left"]
        .map(|name| row.and_then(|row| row[name].as_u64()).unwrap_or_default())
}

fn event_ids(delivered: &[Delivered]) -> BTreeSet<String> {
    delivered.iter().map(|one| one.header("x-spiffy-stores-event-id").to_owned()).collect()
}

#[tokio::test]
async fn everything_goes_back_to_where_it_belongs_and_what_is_malformed_stays() -> Result<()> {
    let (stack, _turn) = turn().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let webhook = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let event = record(&installed.shop, "orders/create", "of-a-share", r#"{"id": 3}"#);
    let share = format!(
        r#"{{"fan_out":{{"id":"m","record":{event},"range":{{"from":0,"to":{}}},"number":1,"reason":"no"}}}}"#,
        u64::MAX
    );
    let rejected = |number, data: &str| RejectedEvent::messages(data.as_bytes(), &origin(number), "why");
    let fine = rejected("1", &without_id(&installed, r#"{"id": 1}"#));
    // Two tries of a fan-out have sent the same record.
    put(
        &stack,
        &[&fine[..], &fine, &rejected("2", r#"{"shop": "x"}"#), &[share, "nonsense".to_owned()]].concat(),
    )
    .await?;
    let in_bucket = [("7", without_id(&installed, r#"{"id": 7}"#)), ("8", "not json".to_owned())];
    let in_bucket: Vec<_> = in_bucket.iter().map(|(number, data)| (*number, data.as_str())).collect();
    put_object(&stack, "aws/lambda/u/shardId-old/2026/11/14/t-1", &given_up(&in_bucket, true)).await?;
    put(&stack, &[given_up(&in_bucket, false)]).await?;

    let table = told(storehook_on(&stack, &["republish", "--dry-run"]).await?, 0).await?;
    for told in [
        "what    where   found  to republish  dropped  repeated  left",
        "record  queue       3             1        0         1     1",
        "record  bucket      2             2        0         0     0",
        "would republish 4 of 7",
        "record shardId-old:2: 'topic' is missing",
    ] {
        assert!(table.contains(told), "{told}: {table}");
    }
    let summary = republished(&stack, &["--dry-run"], 0).await?;
    assert_eq!(counts(&summary, "job", "queue"), [1, 1, 0, 0], "{summary}");
    assert!(receiver.so_far().is_empty());
    assert_eq!(keys(&stack).await?.len(), 1);

    let summary = republished(&stack, &["--yes"], 1).await?;
    assert_eq!(counts(&summary, "record", "bucket"), [2, 2, 0, 0], "{summary}");
    assert_eq!(counts(&summary, "job", "queue"), [1, 1, 0, 0], "{summary}");
    assert_eq!(counts(&summary, "other", "queue"), [1, 0, 0, 1], "{summary}");
    assert_eq!((&summary["deleted_messages"], &summary["deleted_objects"]), (&json!(4), &json!(1)));
    assert_eq!((&summary["end"], &summary["undeleted_messages"]), (&json!("complete"), &json!(0)));
    assert!(keys(&stack).await?.is_empty());

    let first = |number| EventId::of_record(&origin(number)).to_string();
    let delivered = receiver.wait_for(3).await?;
    let expected = BTreeSet::from([first("1"), first("7"), "of-a-share".to_owned()]);
    assert_eq!(event_ids(&delivered), expected, "with the ids that they had at first");
    let history = stack.wait_until(&format!("{webhook}-{}", first("1")), DeliveryState::Delivered).await?;
    assert_eq!(history.envelope.triggered_at, jiff::Timestamp::UNIX_EPOCH);
    // The fan-out rejects what was no event when it was given up.
    stack.wait_for_message("rejected", "not json").await?;
    Ok(())
}
