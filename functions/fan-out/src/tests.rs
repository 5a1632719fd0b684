//! Tests of fan-out over the wire, against a stand-in for DynamoDB and SQS that fails on demand.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use aws_lambda_events::kinesis::KinesisEvent;
use axum::{Json, Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// What the stand-in for SQS does with a message.
#[derive(Clone, Copy, PartialEq)]
enum Reply {
    Take,
    FailOnce,
    Fail,
    Refuse,
}

struct Aws {
    reply_to: fn(&str) -> Reply,
    failed_once: Mutex<BTreeSet<String>>,
    queued: Mutex<Vec<String>>,
    rejected: Mutex<Vec<Value>>,
    /// Whether the shop `changing` was queried before.
    queried: Mutex<bool>,
}

/// Fans out a batch of records. Returns the response, the events of the queued messages, and the
/// rejected records.
async fn fan_out(
    records: Vec<String>,
    reply_to: fn(&str) -> Reply,
    seconds_left: i64,
) -> Result<(Value, Vec<String>, Vec<Value>), Box<dyn std::error::Error>> {
    let aws = Arc::new(Aws {
        reply_to,
        failed_once: Mutex::default(),
        queued: Mutex::default(),
        rejected: Mutex::default(),
        queried: Mutex::default(),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint_url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(post(respond)).with_state(aws.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let environment = [
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &endpoint_url),
        ("REGISTRY_TABLE", "registry"),
        ("HISTORY_TABLE", "history"),
        ("DELIVERY_QUEUE_URL", "https://sqs/delivery"),
        ("REJECTED_QUEUE_URL", "https://sqs/rejected"),
    ];
    let environment = environment.into_iter().collect();
    let dependencies =
        Dependencies::new(&storehook_aws::lambda_sdk_config(&environment)?, Settings::read(&environment)?);
    let records = records.iter().enumerate().map(|(number, record)| {
        json!({"eventID": format!("shardId-0:{number}"), "kinesis": {
            "data": STANDARD.encode(record), "sequenceNumber": number.to_string(), "approximateArrivalTimestamp": 0.0,
        }})
    });
    let batch: KinesisEvent = serde_json::from_value(json!({"Records": records.collect::<Vec<_>>()}))?;
    let now = storehook_aws::now();
    let times = Times { now, deadline: now + seconds_left.seconds() };
    let response = serde_json::to_value(handle(&dependencies, batch, times).await)?;
    let queued = aws.queued.lock().map_err(|error| error.to_string())?.clone();
    let rejected = aws.rejected.lock().map_err(|error| error.to_string())?.clone();
    Ok((response, queued, rejected))
}

/// Responds as DynamoDB and as SQS. The shop `shop` has one webhook, `broken` has one more, which
/// is malformed, and `denied` may not be read.
async fn respond(State(aws): State<Arc<Aws>>, headers: HeaderMap, body: Bytes) -> (StatusCode, Json<Value>) {
    let call: Value = serde_json::from_slice(&body).unwrap_or_default();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match target.rsplit('.').next() {
        Some("Query") => {
            let shop = call["ExpressionAttributeValues"][":shop"]["S"].as_str().unwrap_or_default();
            let subscription = |pattern: &str| json!({"S": format!("SHOP#{shop}#TOPIC#{pattern}")});
            let readable = json!({"id": {"N": "7"}, "app": {"S": "demo"}, "subscription": subscription("orders/create")});
            let items = match shop {
                "shop.example" => json!([
                    readable,
                    {"id": {"N": "9"}, "app": {"S": "demo"}, "subscription": subscription("orders/paid")},
                    {"id": {"N": "10"}, "app": {"S": "uninstalled"}},
                ]),
                "broken.example" => {
                    json!([readable, {"id": {"N": "8"}, "subscription": subscription("orders/create")}])
                }
                // Both webhooks change to another topic after the first query, which takes two pages.
                "changing.example" => {
                    let is_later = std::mem::replace(&mut *aws.queried.lock().unwrap(), true);
                    let other = json!({"id": {"N": "9"}, "app": {"S": "demo"}, "subscription": subscription("orders/create")});
                    if !is_later {
                        let key = json!({"id": {"N": "7"}});
                        return (StatusCode::OK, Json(json!({"Items": [readable], "LastEvaluatedKey": key})));
                    }
                    if call["ExclusiveStartKey"].is_object() { json!([other]) } else { json!([]) }
                }
                "denied.example" => {
                    return (StatusCode::BAD_REQUEST, Json(json!({"__type": "AccessDeniedException"})));
                }
                _ => json!([]),
            };
            (StatusCode::OK, Json(json!({"Items": items})))
        }
        Some("SendMessage") => {
            let message = serde_json::from_str(call["MessageBody"].as_str().unwrap_or_default());
            aws.rejected.lock().unwrap().push(message.unwrap_or_default());
            (StatusCode::OK, Json(json!({"MessageId": "m", "MD5OfMessageBody": "d"})))
        }
        _ => (StatusCode::OK, Json(take_batch(&aws, &call))),
    }
}

fn take_batch(aws: &Aws, call: &Value) -> Value {
    let (mut taken, mut failed) = (Vec::new(), Vec::new());
    for entry in call["Entries"].as_array().into_iter().flatten() {
        let delivery: Value =
            serde_json::from_str(entry["MessageBody"].as_str().unwrap_or_default()).unwrap_or_default();
        let id = delivery["envelope"]["id"].as_str().unwrap_or_default();
        let (webhook, event) = id.split_once('-').unwrap_or_default();
        let event = event.to_owned();
        // Without its group, a busy webhook would hold up the others.
        let is_in_its_group = entry["MessageGroupId"].as_str() == Some(webhook);
        let code = match (aws.reply_to)(&event) {
            _ if !is_in_its_group => Some("MissingParameter"),
            Reply::Take => None,
            Reply::FailOnce => {
                aws.failed_once.lock().unwrap().insert(event.clone()).then_some("InternalError")
            }
            Reply::Fail => Some("InternalError"),
            Reply::Refuse => Some("InvalidMessageContents"),
        };
        match code {
            Some(code) => {
                failed.push(json!({"Id": entry["Id"], "Code": code, "SenderFault": code != "InternalError"}))
            }
            None => {
                aws.queued.lock().unwrap().push(event);
                taken.push(json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "d"}));
            }
        }
    }
    json!({"Successful": taken, "Failed": failed})
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
