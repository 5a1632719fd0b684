//! Tests of fan-out over the wire, against a stand-in for DynamoDB and SQS that fails on demand.

mod aggregated;
mod counted;
mod resumed;
mod shares;
pub(crate) mod stand_in;
mod virtual_time;
mod wide;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::ToSpan as _;
use serde_json::{Value, json};

use self::stand_in::{Reply, world};
use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Fans out a batch of records. Returns the response, the events of the queued messages, and the
/// rejected records.
async fn fan_out(
    records: Vec<impl AsRef<[u8]>>,
    reply_to: fn(&str) -> Reply,
    seconds_left: i64,
) -> Result<(Value, Vec<String>, Vec<Value>), Box<dyn std::error::Error>> {
    let (aws, dependencies) = world(reply_to).await?;
    let response = handle(&dependencies, batch_of(&records)?, times(seconds_left)).await;
    let queued = aws.queued.lock().map_err(|error| error.to_string())?.clone();
    let rejected = aws.rejected.lock().map_err(|error| error.to_string())?.clone();
    Ok((serde_json::to_value(response)?, queued, rejected))
}

pub(crate) fn times(seconds_left: i64) -> Times {
    Times::begin(storehook_aws::now, storehook_aws::now() + seconds_left.seconds())
}

pub(crate) fn batch_of(records: &[impl AsRef<[u8]>]) -> Result<Batch, serde_json::Error> {
    let records = records.iter().enumerate().map(|(number, record)| {
        json!({"eventID": format!("shardId-0:{number}"), "kinesis": {
            "data": STANDARD.encode(record), "sequenceNumber": number.to_string(), "approximateArrivalTimestamp": 0.0,
        }})
    });
    serde_json::from_value(json!({"Records": records.collect::<Vec<_>>()}))
}

fn record(shop: &str, number: usize) -> String {
    format!(
        r#"{{"shop": "{shop}.example", "topic": "orders/create", "event_id": "e{number}", "payload": {{}}}}"#
    )
}

fn names(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("e{number}")).collect()
}

#[tokio::test]
async fn the_first_failed_record_is_reported_and_no_later_batch_is_sent() -> TestResult {
    let mut records: Vec<_> = (0..30).map(|number| record("shop", number)).collect();
    // A malformed record before the failure is rejected now. One behind it comes again.
    records[2] = "malformed".to_owned();
    records[25] = "malformed".to_owned();
    let reply_to = |event: &str| if event == "e13" { Reply::Fail } else { Reply::Take };
    let (response, queued, rejected) = fan_out(records, reply_to, 60).await?;
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "13"}]}));
    assert_eq!(queued, names((0..21).filter(|number| ![2, 13].contains(number))));
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0]["sequence_number"], "2");
    Ok(())
}

/// Two messages of one delivery would be received at the same moment, and both would be attempted.
#[tokio::test]
async fn a_record_that_was_put_twice_is_one_event_and_others_are_not() -> TestResult {
    let first = record("shop", 0);
    let without_id = first.replace(r#""event_id": "e0", "#, "");
    for (second, count) in [
        (first.clone(), 1),
        (first.replace("{}", r#"{"id": 1}"#), 2),
        (first.replace("orders/create", "orders/paid"), 2),
        (record("shop", 1), 2),
    ] {
        let (response, queued, rejected) = fan_out(vec![first.clone(), second], |_| Reply::Take, 60).await?;
        assert_eq!((response, rejected.len()), (json!({"batchItemFailures": []}), 0));
        assert_eq!(queued.len(), count, "{queued:?}");
    }
    let (_, queued, _) = fan_out(vec![without_id.clone(), without_id], |_| Reply::Take, 60).await?;
    assert_eq!(queued.len(), 2, "without an id, each record is an event");
    Ok(())
}

#[tokio::test]
async fn a_message_that_sqs_did_not_take_is_sent_again_alone() -> TestResult {
    let reply_to = |event: &str| if event == "e3" { Reply::FailOnce } else { Reply::Take };
    let (response, queued, _) =
        fan_out((0..5).map(|number| record("shop", number)).collect(), reply_to, 60).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert_eq!(queued, names([0, 1, 2, 4, 3]));
    Ok(())
}

#[tokio::test]
async fn a_message_that_sqs_refuses_for_good_is_rejected_and_blocks_nothing() -> TestResult {
    let reply_to = |event: &str| if event == "e1" { Reply::Refuse } else { Reply::Take };
    let (response, queued, rejected) =
        fan_out((0..12).map(|number| record("shop", number)).collect(), reply_to, 60).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert_eq!(queued, names((0..12).filter(|number| *number != 1)));
    assert_eq!(rejected[0]["reason"], "SQS refused the message's content");
    Ok(())
}

#[tokio::test]
async fn events_come_again_from_the_first_failed_look_up_on() -> TestResult {
    let records = vec![record("shop", 0), record("denied", 1), record("shop", 2)];
    let (response, queued, _) = fan_out(records, |_| Reply::Take, 60).await?;
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "1"}]}));
    assert_eq!(queued, names([0]));
    Ok(())
}

/// A second query, for another pattern or another event, would miss a webhook that has changed.
#[tokio::test]
async fn one_query_finds_all_webhooks_of_a_shop_for_all_its_events() -> TestResult {
    let records = vec![record("changing", 0), record("changing", 1)];
    let (response, mut queued, _) = fan_out(records, |_| Reply::Take, 60).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    queued.sort();
    assert_eq!(queued, names([0, 0, 1, 1]));
    Ok(())
}

#[tokio::test]
async fn a_malformed_webhook_is_reported_and_the_others_get_the_event() -> TestResult {
    let (response, queued, rejected) =
        fan_out(vec![record("broken", 0), record("shop", 1)], |_| Reply::Take, 60).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert_eq!(queued, names([0, 1]));
    assert_eq!(rejected[0]["reason"], "1 of its webhooks could not be read; the others got it");
    Ok(())
}

#[tokio::test]
async fn when_time_is_up_no_call_starts_and_all_records_come_again() -> TestResult {
    let records = vec!["malformed".to_owned(), record("shop", 1)];
    let (response, queued, rejected) = fan_out(records, |_| Reply::Take, 5).await?;
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "0"}]}));
    assert!(queued.is_empty() && rejected.is_empty());
    Ok(())
}

#[test]
fn a_batch_is_told_by_its_shape() -> TestResult {
    for (file, is_events) in [("good", true), ("aggregated", true), ("empty", true), ("replay-step", false)] {
        let path = format!("{}/../../events/fan-out-{file}.json", env!("CARGO_MANIFEST_DIR"));
        let batch: Batch = serde_json::from_slice(&std::fs::read(path)?)?;
        assert_eq!(matches!(batch, Batch::Events(_)), is_events, "{file}");
    }
    Ok(())
}
