//! Tests of the search: in which messages and objects an event is found.

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use storehook_domain::event::rejected::RejectedEvent;

use super::*;

const ORIGIN: RecordOrigin<'_> =
    RecordOrigin { shard_id: "s", sequence_number: "42", arrived_at: jiff::Timestamp::UNIX_EPOCH };

#[test]
fn a_rejected_message_of_an_event_is_found_by_its_id() -> Result<()> {
    let derived = EventId::of_record(&ORIGIN);
    let share = concat!(
        r#"{"fan_out":{"id":"x","record":{"shop":"a.example","topic":"orders/paid","event_id":"e1","payload":{}},"#,
        r#""range":{"from":1,"to":20},"number":1,"reason":"SQS said no"}}"#,
    );
    let record = |record: &str| RejectedEvent::messages(record.as_bytes(), &ORIGIN, "why").remove(0);
    let no_topic = record(r#"{"shop": "a.example", "event_id": "e1", "payload": {}}"#);
    let cases = [
        (no_topic.clone(), "e1", Some((Some("a.example"), None, None))),
        (no_topic, "e", None),
        (
            record(r#"{"shop": "a.example", "event": "order:new"}"#),
            derived.as_str(),
            Some((Some("a.example"), Some("order:new"), None)),
        ),
        (record(r#"{"shop": "a.example", "e1": 1}"#), "e1", None),
        (record(r#"{"event_id": "e1", broken"#), "e1", Some((None, None, None))),
        (share.to_owned(), "e1", Some((Some("a.example"), Some("orders/paid"), Some((1, 20))))),
        (share.to_owned(), "e2", None),
        ("nonsense with e1".to_owned(), "e1", None),
    ];
    for (body, event, expected) in cases {
        let event = EventId::parse(event)?;
        let mut search = Search::of(&event);
        search.message("m-1", &body);
        let found = search.found.first().map(|found| {
            let webhooks = found.webhooks.map(|(from, to)| (from.get(), to.get()));
            (found.shop.as_ref().map(ShopDomain::as_str), found.topic.as_deref(), webhooks)
        });
        assert_eq!(found, expected, "{body}");
    }
    Ok(())
}

/// The ids of what is found for `e1` in these messages, and what nobody can know.
fn found(messages: &[String]) -> Result<(Vec<String>, Vec<String>)> {
    let event = EventId::parse("e1")?;
    let mut search = Search::of(&event);
    messages.iter().enumerate().for_each(|(number, body)| search.message(&format!("m-{number}"), body));
    let (found, notes) = search.end("s-rejected");
    Ok((found.into_iter().map(|stuck| stuck.id).collect(), notes))
}

#[test]
fn a_record_that_was_rejected_in_parts_is_found_once_its_parts_are_there() -> Result<()> {
    let record = format!(r#"{{"shop":"a.example","note":"{}","event_id":"e1"}}"#, "x".repeat(1_200_000));
    let mut parts = RejectedEvent::messages(record.as_bytes(), &ORIGIN, "'topic' is missing");
    assert_eq!(parts.len(), 3);
    // A part of another try of the same fan-out.
    parts.push(parts[0].clone());
    assert_eq!(found(&parts)?, (vec!["s:42".to_owned()], vec![]));
    parts.reverse();
    assert_eq!(found(&parts)?, (vec!["s:42".to_owned()], vec![]));
    let told = "In s-rejected is 1 record of which some parts are missing: nobody knows what it holds.";
    assert_eq!(found(&parts[..2])?, (vec![], vec![told.to_owned()]));
    Ok(())
}

#[test]
fn an_event_inside_an_aggregated_record_is_found_by_its_own_place() -> Result<()> {
    let inner = RecordOrigin { sequence_number: "42:1", ..ORIGIN };
    let event = EventId::of_record(&inner);
    let message = RejectedEvent::messages(br#"{"shop": "a.example"}"#, &inner, "why").remove(0);
    let mut search = Search::of(&event);
    search.message("m", &message);
    assert_eq!(search.found.first().map(|stuck| stuck.id.as_str()), Some("s:42:1"));
    Ok(())
}

#[test]
fn a_record_that_was_given_up_is_found_in_its_batch() -> Result<()> {
    let record = |number: u32, data: &str| {
        json!({"eventID": format!("s:{number}"), "kinesis": {
            "partitionKey": "k", "sequenceNumber": number.to_string(), "data": STANDARD.encode(data),
            "approximateArrivalTimestamp": 0.0,
        }})
    };
    let event = r#"{"shop":"a.example","topic":"orders/paid","event_id":"e1","payload":{}}"#;
    let object = |payload: Option<String>| {
        json!({
            "requestContext": {"condition": "RetryAttemptsExhausted"}, "payload": payload,
            "KinesisBatchInfo": {"shardId": "s", "startSequenceNumber": "1", "endSequenceNumber": "2"},
        })
        .to_string()
    };
    let payload = json!({"Records": [record(1, "{}"), record(2, event)]}).to_string();
    let id = EventId::parse("e1")?;
    let mut search = Search::of(&id);
    search.object(&object(Some(payload)));
    search.object(&object(None));
    search.object("nonsense");
    let (found, notes) = search.end("b");
    let told: Vec<_> = found.iter().map(|stuck| (stuck.id.as_str(), stuck.reason.as_str())).collect();
    assert_eq!(told, [("s:2", "RetryAttemptsExhausted")]);
    let expected = [
        "In b is 1 batch of which only the place on the stream is known: nobody knows what it holds.",
        "In b is 1 object that Lambda has not written: nobody knows what it holds.",
    ];
    assert_eq!(notes, expected);
    Ok(())
}

#[test]
fn a_rejected_share_concerns_its_webhooks_alone() -> Result<()> {
    let (own, other): (ShopDomain, ShopDomain) = ("a.example".parse()?, "b.example".parse()?);
    let share = Stuck {
        id: "m".to_owned(),
        reason: "no".to_owned(),
        shop: Some(own.clone()),
        topic: Some("orders/paid".to_owned()),
        webhooks: Some((WebhookId::new(2), WebhookId::new(4))),
    };
    for (id, shop, matches, expected) in [
        (2, &own, true, true),
        (4, &own, true, true),
        (5, &own, true, false),
        (3, &other, true, false),
        (3, &own, false, false),
    ] {
        assert_eq!(share.concerns(WebhookId::new(id), shop, |_| matches), expected, "{id} {shop} {matches}");
    }
    let unreadable = Stuck { shop: None, topic: None, webhooks: None, ..share };
    assert!(unreadable.concerns(WebhookId::new(9), &other, |_| false), "anybody may have missed it");
    Ok(())
}
