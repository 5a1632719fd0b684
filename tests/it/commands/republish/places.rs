//! Records of which the queue has only the place on the stream.

use anyhow::{Context as _, Result};
use aws_sdk_kinesis::types::{Record, ShardIteratorType};
use reqwest::StatusCode;
use serde_json::{Value, json};
use storehook_domain::event::{id::EventId, origin::RecordOrigin};
use storehook_tests::{Receiver, Stack};

use super::{put, republished, turn, without_id};

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

    let summary = republished(&stack, &["--yes"], 1).await?;
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
