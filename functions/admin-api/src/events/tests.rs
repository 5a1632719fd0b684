//! Tests of pushed events and of the catalogue.

use axum::http::StatusCode;
use serde_json::{Value, json};
use storehook_domain::event::catalogue;

use crate::stand_in::{Api, TestResult};

fn event(id: &str) -> Value {
    json!({"topic": "orders/create", "event_id": id, "payload": {"id": 1}})
}

#[tokio::test]
async fn a_push_gets_a_result_for_each_event_in_its_own_shape() -> TestResult {
    let accepted = |id: &str| json!({"event_id": id, "result": "accepted"});
    for (body, response) in [
        (event("e1"), accepted("e1")),
        (json!({"events": [event("e1")]}), json!({"events": [accepted("e1")]})),
        (json!({"events": [event("e1"), event("e2")]}), json!({"events": [accepted("e1"), accepted("e2")]})),
    ] {
        for path in ["/events", "/admin/events.json"] {
            let api = Api::start().await?;
            let (status, _, told) = api.send(&format!("POST {path}"), body.clone()).await?;
            assert_eq!((status, told), (StatusCode::ACCEPTED, response.clone()), "{path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_event_without_an_id_gets_a_new_one() -> TestResult {
    let api = Api::start().await?;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (_, _, told) = api.send("POST /events", json!({"topic": "orders/create", "payload": {}})).await?;
        ids.push(told["event_id"].as_str().unwrap_or_default().to_owned());
    }
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 36), "{ids:?}");
    Ok(())
}

#[tokio::test]
async fn events_that_the_stream_did_not_take_at_once_are_put_again() -> TestResult {
    let api = Api::start().await?;
    let put = json!({"ShardId": "s", "SequenceNumber": "1"});
    let failed = json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"});
    api.reply("PutRecords", json!({"FailedRecordCount": 1, "Records": [put, failed]}));
    let (status, ..) = api.send("POST /events", json!({"events": [event("e1"), event("e2")]})).await?;
    assert_eq!(status, StatusCode::ACCEPTED);
    let sizes: Vec<_> =
        api.calls("PutRecords").iter().map(|call| call["Records"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!(sizes, [2, 1]);
    Ok(())
}

#[tokio::test]
async fn the_catalogue_has_every_topic_with_its_aliases_and_a_sample() -> TestResult {
    let api = Api::start().await?;
    let (status, _, body) = api.send("GET /admin/topics", Value::Null).await?;
    let topics = body["topics"].as_array().ok_or("no topics")?;
    assert_eq!((status, topics.len()), (StatusCode::OK, catalogue::TOPICS.len() + 3));
    let named = |name| topics.iter().find(|topic| topic["topic"] == name).ok_or("it is missing");
    let created = named("orders/create")?;
    assert!(created["aliases"].as_array().is_some_and(|aliases| aliases.contains(&json!("order:new"))));
    assert!(created["sample"]["id"].is_number(), "{created}");
    assert_eq!(named("draft_orders/create")?["xml_root"], "draft-order");
    for operational in ["webhooks/disabled", "webhooks/failing", "webhooks/recovered"] {
        assert_eq!(named(operational)?["aliases"], json!([]));
    }
    Ok(())
}
