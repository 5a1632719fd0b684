//! `storehook republish`: what is in the rejected queue and in the bucket goes back to where it
//! belongs.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use aws_sdk_kinesis::types::{Record, ShardIteratorType};
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

    let summary = republished(&stack, &[], 1).await?;
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

#[tokio::test]
async fn mended_records_are_published_from_a_file_and_dropped_ones_deleted() -> Result<()> {
    let (stack, _turn) = turn().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("orders/create", &receiver.url).await?;
    let large = format!(r#"{{"note": "{}"}}"#, "\"".repeat(700 * 1024));
    let rejected = |number, data: &str| RejectedEvent::messages(data.as_bytes(), &origin(number), "why");
    let in_parts = rejected("102", &large);
    assert_eq!(in_parts.len(), 2);
    put(&stack, &[rejected("101", "\u{1b}not json"), in_parts, rejected("103", "{}")].concat()).await?;

    let folder = tempfile::tempdir()?;
    let (exported, mended) = (folder.path().join("all.jsonl"), folder.path().join("mended.jsonl"));
    let exported = exported.to_str().context("a path")?;
    let summary = republished(&stack, &["--export", exported], 0).await?;
    assert_eq!(summary["exported"], exported);
    let text = std::fs::read_to_string(exported)?;
    let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let line = |id: &str| lines.iter().find(|line| line["id"] == id).with_context(|| format!("no {id}"));
    assert_eq!(line("shardId-old:101")?["record"], "\u{1b}not json");
    assert_eq!(line("shardId-old:103")?["record"], json!({}));
    assert_eq!(line("shardId-old:102")?["encoding"], "text");
    let again = super::ended(storehook_on(&stack, &["republish", "--export", exported]).await?).await?;
    let error = String::from_utf8_lossy(&again.stderr);
    assert!(error.contains("name a file that is not there yet"), "{error}");

    let mend =
        |id: &str, record: &str| format!("{{\"id\":\"{id}\",\"encoding\":\"text\",\"record\":{record}}}\n");
    std::fs::write(&mended, mend("shardId-old:101", "{}"))?;
    let mended = mended.to_str().context("a path")?;
    let refused = super::ended(storehook_on(&stack, &["republish", "--from", mended]).await?).await?;
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(error.contains("line 1: 'shop' is missing"), "{error}");

    let event = without_id(&installed, r#"{"id": 327475578523353102}"#);
    let lines =
        mend("shardId-old:101", &event) + "{\"id\":\"shardId-old:102\",\"drop\":true,\"record\":null}\n";
    std::fs::write(mended, lines)?;
    let unasked = super::ended(storehook_on(&stack, &["republish", "--from", mended]).await?).await?;
    assert_eq!(unasked.status.code(), Some(2), "it asks before it deletes for good");
    let summary = republished(&stack, &["--from", mended, "--yes"], 0).await?;
    assert_eq!(summary["deleted_messages"], 3, "{summary}");
    let [_, republished_count, dropped, _] = counts(&summary, "record", "queue");
    assert_eq!((republished_count, dropped), (1, 1), "{summary}");
    let delivered = receiver.wait_for(1).await?;
    assert_eq!(event_ids(&delivered), BTreeSet::from([EventId::of_record(&origin("101")).to_string()]));
    let left = stack.messages("rejected", "shardId-old").await?;
    let left = left.iter().filter_map(|message| message.body());
    assert!(left.into_iter().any(|body| body.contains("\"103\"")), "what is not in the file stays");

    let table = told(storehook_on(&stack, &["republish", "--from", mended, "--yes"]).await?, 0).await?;
    assert!(
        table.contains("2 of the file were not found: they are republished already, or expired"),
        "{table}"
    );
    assert_eq!(receiver.so_far().len(), 1);
    Ok(())
}

/// All records of the stack's stream, with their shards.
async fn streamed(stack: &Stack) -> Result<Vec<(String, Record)>> {
    let (client, stream) = (aws_sdk_kinesis::Client::new(&stack.sdk()), stack.resource("events"));
    let mut found = Vec::new();
    for shard in client.list_shards().stream_name(&stream).send().await?.shards.unwrap_or_default() {
        let iterator = client.get_shard_iterator().stream_name(&stream).shard_id(shard.shard_id());
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?;
        let mut iterator = iterator.shard_iterator;
        while let Some(current) = iterator {
            let read = client.get_records().shard_iterator(current).send().await?;
            iterator = read.next_shard_iterator.filter(|_| !read.records.is_empty());
            found.extend(read.records.into_iter().map(|record| (shard.shard_id().to_owned(), record)));
        }
    }
    Ok(found)
}

#[tokio::test]
async fn records_of_which_only_the_place_is_known_are_read_from_the_stream_again() -> Result<()> {
    let (stack, _turn) = turn().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("orders/create", &receiver.url).await?;
    stack.publish([without_id(&installed, r#"{"id": 9}"#)]).await?;
    receiver.wait_for(1).await?;
    let of_the_shop = |records: Vec<(String, Record)>| -> Vec<(String, Record)> {
        let shop = installed.shop.as_str();
        let is_its = |data: &[u8]| String::from_utf8_lossy(data).contains(shop);
        records.into_iter().filter(|(_, record)| is_its(record.data().as_ref())).collect()
    };
    let (shard_id, first) = of_the_shop(streamed(&stack).await?).pop().context("no record")?;
    let place = |shard_id: &str, from: &str| {
        json!({
            "requestContext": {"condition": "RecordAgeExceeded"},
            "KinesisBatchInfo": {"shardId": shard_id, "startSequenceNumber": from, "endSequenceNumber": from},
        })
        .to_string()
    };
    let (here, gone) = (place(&shard_id, first.sequence_number()), place("shardId-000000000099", "7"));
    put(&stack, &[here, gone]).await?;

    let summary = republished(&stack, &[], 1).await?;
    let left = summary["left"].as_array().context("nothing left")?;
    let left: Vec<_> = left.iter().filter(|left| left["kind"] == "place").collect();
    assert_eq!(left.len(), 1, "{summary}");
    assert_eq!(left[0]["why"], "its records are no longer on the stream");
    let twice = of_the_shop(streamed(&stack).await?);
    assert_eq!(twice.len(), 2, "the record is on the stream again");
    let again: Value = serde_json::from_slice(twice[1].1.data().as_ref())?;
    let sequence_number = first.sequence_number();
    let origin =
        RecordOrigin { shard_id: &shard_id, sequence_number, arrived_at: jiff::Timestamp::UNIX_EPOCH };
    assert_eq!(again["event_id"], EventId::of_record(&origin).as_str(), "as the same event");
    Ok(())
}
