//! Tests of records that the Kinesis Producer Library aggregated.

use md5::{Digest as _, Md5};

use super::*;

/// A record that holds these, as the library packs them.
fn aggregated(records: &[String]) -> Vec<u8> {
    let key_table = b"\x0a\x01k".to_vec();
    let message = records.iter().fold(key_table, |mut message, record| {
        let mut inner = vec![0x08, 0, 0x1a];
        inner.extend(length(record.len()));
        inner.extend(record.bytes());
        message.push(0x1a);
        message.extend(length(inner.len()));
        message.extend(inner);
        message
    });
    [b"\xf3\x89\x9a\xc2", &message[..], &Md5::digest(&message)[..]].concat()
}

/// A number as protobuf writes it: seven bits a byte, the lowest first.
fn length(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 128 {
        bytes.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn without_id(number: usize) -> String {
    record("shop", number).replace(&format!(r#""event_id": "e{number}", "#), "")
}

#[tokio::test]
async fn each_record_inside_is_an_event_and_a_bad_one_spoils_no_other() -> TestResult {
    let inner = [record("shop", 1), "malformed".to_owned(), record("shop", 2), record("nowhere", 3)];
    let records = vec![record("shop", 0).into_bytes(), aggregated(&inner), record("shop", 4).into_bytes()];
    let (response, queued, rejected) = fan_out(records, |_| Reply::Take, 60).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert_eq!(queued, names([0, 1, 2, 4]));
    let told: Vec<_> =
        rejected.iter().map(|rejected| (&rejected["record"], &rejected["sequence_number"])).collect();
    assert_eq!(told, [(&json!("malformed"), &json!("1:1"))]);
    Ok(())
}

#[tokio::test]
async fn a_damaged_one_is_rejected_whole_with_the_reason() -> TestResult {
    let mut damaged = aggregated(&[record("shop", 1), record("shop", 2)]);
    damaged[20] ^= 1;
    let records = vec![record("shop", 0).into_bytes(), damaged.clone(), record("shop", 3).into_bytes()];
    let (response, queued, rejected) = fan_out(records, |_| Reply::Take, 60).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert_eq!(queued, names([0, 3]));
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0]["reason"], "the record is aggregated, and its MD5 is wrong");
    assert_eq!(rejected[0]["sequence_number"], "1");
    assert_eq!(rejected[0]["record"], STANDARD.encode(damaged));
    Ok(())
}

#[tokio::test]
async fn ids_follow_from_the_place_inside_and_are_the_same_at_each_reading() -> TestResult {
    let records = || vec![aggregated(&[without_id(0), without_id(1)]), without_id(2).into_bytes()];
    let (_, queued, _) = fan_out(records(), |_| Reply::Take, 60).await?;
    let (_, again, _) = fan_out(records(), |_| Reply::Take, 60).await?;
    assert_eq!(queued, again);
    let different: std::collections::BTreeSet<_> = queued.into_iter().collect();
    assert_eq!(different.len(), 3, "{different:?}");
    Ok(())
}

#[tokio::test]
async fn if_one_event_inside_is_not_sent_the_whole_comes_again() -> TestResult {
    let inner = ["malformed".to_owned(), record("shop", 1), record("shop", 2)];
    let records = vec![record("shop", 0).into_bytes(), aggregated(&inner), b"malformed".to_vec()];
    let reply_to = |event: &str| if event == "e2" { Reply::Fail } else { Reply::Take };
    let (response, queued, rejected) = fan_out(records, reply_to, 60).await?;
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "1"}]}));
    assert_eq!(queued, names([0, 1]));
    assert!(rejected.is_empty(), "what comes again is rejected then: {rejected:?}");
    Ok(())
}

#[tokio::test]
async fn very_many_malformed_records_inside_are_rejected_together() -> TestResult {
    let mut inner = vec!["malformed".to_owned(); 101];
    inner.push(record("shop", 7));
    let whole = aggregated(&inner);
    let (response, queued, rejected) = fan_out(vec![whole.clone()], |_| Reply::Take, 60).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert_eq!(queued, names([7]));
    assert_eq!(rejected.len(), 1);
    let reason = "101 of its 102 records are no events, the first because the record is not a JSON object";
    assert_eq!(rejected[0]["reason"], reason);
    assert_eq!(rejected[0]["record"], STANDARD.encode(whole));
    Ok(())
}

/// 4,000 webhooks and 6 events are more than one invocation sends for one record.
#[tokio::test]
async fn a_record_with_very_many_deliveries_is_shared_out() -> TestResult {
    let (aws, dependencies) = world(|_| Reply::Take).await?;
    let events: Vec<_> = (0..6).map(|number| record("wide", number)).chain([record("shop", 6)]).collect();
    let response = handle(&dependencies, batch_of(&[aggregated(&events)])?, times(60)).await;
    assert_eq!(serde_json::to_value(response)?, json!({"batchItemFailures": []}));
    assert_eq!(aws.jobs.lock().unwrap().len(), 6 * 3 + 1, "the small event has a job as well");
    assert!(aws.webhooks.lock().unwrap().is_empty(), "jobs send to all of them");
    Ok(())
}
