//! Tests of deliveries: pages and statistics of the index, single deliveries, and test events.

use std::time::Duration;

use axum::http::StatusCode;
use jiff::{SignedDuration, ToSpan as _, tz::TimeZone};
use serde_json::{Value, json};
use storehook_aws::history::{DeliveryItem, PayloadItem, PayloadOwner};
use storehook_aws::stand_in::{json_of, json_of_item};
use storehook_domain::{
    delivery::{
        body_shape::BodyShape, disposition::Disposition, lane::Lane, outcome::Outcome,
        test_event::test_delivery,
    },
    event::id::EventId,
    history::{
        attempt::{Attempt, RequestRecord, ResponseRecord},
        record::DeliveryRecord,
        run::Receive,
        state::DeliveryState,
    },
};

use super::responses::DeliveryResponse;
use crate::stand_in::{Api, TestResult, webhook};

type Record = Result<DeliveryRecord, Box<dyn std::error::Error>>;

/// The record of a delivery that was queued so many minutes ago.
pub(crate) fn record(event_id: &str, minutes: i64) -> Record {
    let queued_at = storehook_aws::now() - minutes.minutes();
    let message = test_delivery(&webhook(json!({}))?, EventId::parse(event_id)?, queued_at);
    Ok(DeliveryRecord::begin(&message, SignedDuration::from_hours(24 * 30)))
}

/// The same after it was delivered.
fn delivered(event_id: &str, minutes: i64) -> Record {
    let (record, webhook) = (record(event_id, minutes)?, webhook(json!({}))?);
    let message = test_delivery(&webhook, EventId::parse(event_id)?, record.created_at);
    let attempt = Attempt {
        at: record.created_at,
        latency: Duration::from_millis(12),
        address: webhook.address.as_str().to_owned(),
        request: Some(RequestRecord {
            headers: vec![("x-topic".to_owned(), "orders/create".to_owned())],
            shape: BodyShape::of(&webhook),
        }),
        status: Some(200),
        response: Some(ResponseRecord::of(b"ok")),
        outcome: Outcome::Delivered,
        details: None,
    };
    let receive = Receive { message_id: "m", lane: Lane::Fast };
    let created_at = record.created_at;
    Ok(record.attempted(&message, receive, attempt, Disposition::Ack, created_at))
}

/// Puts the records into the history, and returns their entries in the index.
fn put(api: &Api, records: Vec<DeliveryRecord>) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let items = records.into_iter().map(DeliveryItem::of);
    items.map(|item| Ok(api.put(item.clone()).and_then(|()| json_of(item))?)).collect()
}

fn ids(list: &Value) -> Vec<&str> {
    list["deliveries"].as_array().into_iter().flatten().filter_map(|shown| shown["id"].as_str()).collect()
}

#[tokio::test]
async fn a_page_ends_at_its_limit_and_tells_where_the_next_one_begins() -> TestResult {
    for (limit, listed, is_last) in [
        (2, vec!["7-e1", "7-e2"], false),
        (3, vec!["7-e1", "7-e2", "7-e3"], true),
        (4, vec!["7-e1", "7-e2", "7-e3"], true),
    ] {
        let api = Api::start().await?;
        let items = put(&api, vec![record("e3", 3)?, record("e1", 1)?, record("e2", 2)?])?;
        api.reply("Query", json!({"Items": items}));
        let path = format!("GET /admin/webhooks/7/deliveries?limit={limit}");
        let (status, _, list) = api.send(&path, Value::Null).await?;
        assert_eq!((status, ids(&list)), (StatusCode::OK, listed), "{limit}");
        assert_eq!(list["page_info"].is_null(), is_last, "{limit}");
        if let Some(page_info) = list["page_info"].as_str() {
            api.reply("Query", json!({"Items": items[..1]}));
            let path = format!("{path}&page_info={page_info}");
            let (_, _, list) = api.send(&path, Value::Null).await?;
            assert_eq!((ids(&list), &list["page_info"]), (vec!["7-e3"], &Value::Null));
        }
    }
    Ok(())
}

/// A step of the scan may find less than a page, although more deliveries follow.
#[tokio::test]
async fn a_page_is_filled_from_several_steps() -> TestResult {
    for (limit, listed, queries) in [(1, vec!["7-e1"], 4), (2, vec!["7-e1", "7-e2"], 8)] {
        let api = Api::start().await?;
        let items = put(&api, vec![record("e1", 1)?, record("e2", 2)?, record("e3", 3)?])?;
        let end = json!({"position": items[0]["position"]});
        api.reply("Query", json!({"Items": items[..1], "LastEvaluatedKey": end}));
        (1..4).for_each(|_| api.reply("Query", json!({})));
        api.reply("Query", json!({"Items": items[1..]}));
        let path = format!("GET /admin/webhooks/7/deliveries?limit={limit}");
        let (_, _, list) = api.send(&path, Value::Null).await?;
        assert_eq!((ids(&list), api.calls("Query").len()), (listed, queries), "{limit}");
        assert!(list["page_info"].is_string(), "more follow");
    }
    Ok(())
}

/// The index may be a moment behind, and knows nothing of overdue deliveries.
#[tokio::test]
async fn a_list_of_a_state_has_the_deliveries_that_are_in_it_now() -> TestResult {
    let api = Api::start().await?;
    let dead = DeliveryRecord { state: DeliveryState::Dead, ..record("e1", 1)? };
    let items = put(&api, vec![dead, delivered("e2", 2)?])?;
    api.reply("Query", json!({"Items": items}));
    let (_, _, list) = api.send("GET /admin/webhooks/7/deliveries?state=dead", Value::Null).await?;
    assert_eq!(ids(&list), ["7-e1"]);
    let query = &api.calls("Query")[0];
    let values = query["ExpressionAttributeValues"].as_object().ok_or("no values")?;
    let mut asked: Vec<_> =
        values.iter().filter(|(name, _)| name.starts_with(":state")).map(|(_, value)| &value["S"]).collect();
    asked.sort_by_key(|state| state.to_string());
    assert_eq!(asked, ["dead", "pending", "retrying"]);
    Ok(())
}

#[tokio::test]
async fn the_deliveries_of_an_event_are_found_by_its_id() -> TestResult {
    let api = Api::start().await?;
    let mut of_another = record("e1", 3)?;
    of_another.envelope.app = "other".parse()?;
    let items = put(&api, vec![record("e1", 2)?, delivered("e1", 1)?, of_another])?;
    for (query, states) in [("", &["delivered", "pending"][..]), ("&state=pending", &["pending"])] {
        api.reply("Query", json!({"Items": items}));
        let path = format!("GET /admin/webhooks/7/deliveries?event_id=e1{query}");
        let (_, _, list) = api.send(&path, Value::Null).await?;
        let shown = list["deliveries"].as_array().into_iter().flatten();
        let shown: Vec<_> = shown.map(|shown| &shown["state"]).collect();
        assert_eq!(shown, states, "the newest first, and none of another app");
    }
    Ok(())
}

#[tokio::test]
async fn a_delivery_is_shown_with_the_request_that_was_sent() -> TestResult {
    let api = Api::start().await?;
    let mut record = delivered("e1", 1)?;
    let digest = storehook_domain::payload::digest::PayloadDigest::parse(&"0".repeat(32))?;
    let payload = r#"{"id": 1}"#;
    let owner = PayloadOwner::Event(&record.envelope.shop, &record.envelope.id.event_id);
    let expires_at = storehook_aws::now().as_second() + 600;
    let stored = PayloadItem { owner, digest: &digest, payload, expires_at }.parts()?;
    api.reply("Query", json!({"Items": stored.into_iter().map(json_of_item).collect::<Value>()}));
    record.envelope.payload_digest = Some(digest);
    record.has_other_payload = true;
    put(&api, vec![record])?;
    let (status, _, body) = api.send("GET /admin/deliveries/7-e1", Value::Null).await?;
    let shown = &body["delivery"];
    assert_eq!(
        (status, &shown["id"], &shown["state"]),
        (StatusCode::OK, &json!("7-e1"), &json!("delivered"))
    );
    assert_eq!(shown["last_attempt"]["status"], 200);
    assert_eq!(shown["attempts"][0]["latency_ms"], 12);
    assert_eq!(shown["request"]["body"], payload);
    assert_eq!(shown["request"]["headers"], json!({"x-topic": "orders/create"}));
    assert_eq!(shown["response"], json!({"status": 200, "body": "ok", "body_truncated": false}));
    assert_eq!(shown["replays"], 0, "the event's own run is no replay");
    assert_eq!(shown["has_other_payload"], true);
    for id in ["7-e2", "x"] {
        let (status, ..) = api.send(&format!("GET /admin/deliveries/{id}"), Value::Null).await?;
        assert_eq!(status, StatusCode::NOT_FOUND, "{id}");
    }
    Ok(())
}

/// A delivery that has sent nothing has no payload to show.
#[tokio::test]
async fn the_payload_of_a_delivery_that_sent_nothing_is_not_read() -> TestResult {
    let api = Api::start().await?;
    put(&api, vec![record("e1", 1)?])?;
    let (_, _, body) = api.send("GET /admin/deliveries/7-e1", Value::Null).await?;
    assert_eq!(body["delivery"]["request"], Value::Null);
    assert!(api.calls("Query").is_empty());
    Ok(())
}

#[test]
fn a_body_is_shown_up_to_2_mib() -> TestResult {
    let record = delivered("e1", 1)?;
    let around = r#"{"a":""}"#.len();
    for (bytes, is_truncated) in [(2 * 1024 * 1024, false), (2 * 1024 * 1024 + 1, true)] {
        let payload = format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - around));
        let shown = serde_json::to_value(DeliveryResponse::of(&record, Some(&payload), &TimeZone::UTC))?;
        let request = &shown["delivery"]["request"];
        assert_eq!(request["body_truncated"], is_truncated, "{bytes}");
        assert_eq!(request["body"].as_str().map(str::len), Some(2 * 1024 * 1024));
    }
    Ok(())
}

#[tokio::test]
async fn statistics_count_every_step_of_the_window() -> TestResult {
    let api = Api::start().await?;
    let items = put(&api, vec![delivered("e1", 1)?, delivered("e2", 2)?, record("e3", 3)?])?;
    api.reply("Query", json!({"Items": items[..1], "LastEvaluatedKey": {"position": items[0]["position"]}}));
    (1..4).for_each(|_| api.reply("Query", json!({})));
    api.reply("Query", json!({"Items": items[1..]}));
    let path = "GET /admin/webhooks/7/stats?until=2026-11-22T00:00:00Z";
    let (status, _, body) = api.send(path, Value::Null).await?;
    assert_eq!(api.calls("Query").len(), 2 * 4, "it stops at the end");
    let stats = &body["stats"];
    assert_eq!((status, &stats["deliveries"], &stats["complete"]), (StatusCode::OK, &json!(3), &json!(true)));
    assert_eq!((&stats["states"]["delivered"], &stats["states"]["pending"]), (&json!(2), &json!(1)));
    assert_eq!((&stats["latency_ms"]["p50"], &stats["success_rate"]), (&json!(12), &json!(1.0)));
    // A day unless the request says another time, in the shop's zone.
    assert_eq!(stats["since"], "2026-11-21T05:30:00+05:30");
    assert_eq!(stats["until"], "2026-11-22T05:30:00+05:30");
    Ok(())
}

#[tokio::test]
async fn a_test_event_is_queued_and_recorded_unless_the_history_is_off() -> TestResult {
    for (days, records) in [("30", 1), ("0", 0)] {
        let api = Api::with(&[("RATE_LIMIT_BURST", "0"), ("HISTORY_DELIVERY_DAYS", days)]).await?;
        let (status, _, body) = api.send("POST /admin/webhooks/7/test", Value::Null).await?;
        assert_eq!(status, StatusCode::ACCEPTED);
        assert_eq!((&body["delivery"]["test"], &body["delivery"]["webhook_id"]), (&json!(true), &json!(7)));
        let sent = &api.calls("SendMessageBatch")[0]["Entries"][0];
        assert_eq!(sent["MessageGroupId"], "a.example/demo");
        assert!(sent["MessageBody"].as_str().is_some_and(|body| body.contains("orders/create")), "{sent}");
        let puts = api.calls("PutItem");
        assert_eq!(puts.len(), records, "{days} days");
        assert!(puts.iter().all(|put| put["Item"]["version"] == json!({"N": "1"})), "{puts:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_test_event_that_cannot_be_queued_fails() -> TestResult {
    let api = Api::start().await?;
    let refused = json!({"Id": "0", "Code": "InvalidMessageContents", "SenderFault": true});
    api.reply("SendMessageBatch", json!({"Successful": [], "Failed": [refused]}));
    let (status, ..) = api.send("POST /admin/webhooks/7/test", Value::Null).await?;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(api.calls("PutItem").is_empty(), "a record would promise a delivery");
    Ok(())
}
