//! Tests of what may be pushed, and of the errors.

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn parse(body: &str) -> Result<PushedEvents, Value> {
    let shop = ShopDomain::parse("a.example").map_err(|error| json!(error.to_string()))?;
    let mut count = 0;
    let new_id = || {
        count += 1;
        EventId::parse(&format!("new-{count}")).unwrap_or_else(|_| unreachable!("it is an id"))
    };
    let app = AppId::parse("importer").map_err(|error| json!(error.to_string()))?;
    PushedEvents::parse(body.as_bytes(), &shop, &app, Timestamp::UNIX_EPOCH, new_id)
        .map_err(|error| error.errors())
}

#[test]
fn both_forms_become_the_record_that_a_store_would_publish() -> TestResult {
    let payload = r#"{"id":327475578523353102,"price":"19.99","weight":199.0,"n\u00e9e":"\/"}"#;
    let flat_payload = r#"{"id":327475578523353102,"price":"19.99","weight":199.0,"n\u00e9e":"\/"}"#;
    for (body, topic, id, expected) in [
        (format!(r#"{{"topic": "orders/create", "payload": {payload}}}"#), "orders/create", "new-1", payload),
        (
            format!(r#"{{"event": "order:new", "event_id": "e-1", "payload": {payload}}}"#),
            "orders/create",
            "e-1",
            payload,
        ),
        (
            format!(r#"{{"event": "stock:low", "payload": {payload}, "more": 1}}"#),
            "stock:low",
            "new-1",
            payload,
        ),
        (format!(r#"{{"event": "order:new", {}"#, &payload[1..]), "orders/create", "new-1", flat_payload),
        (
            format!(r#"{},"topic": "order:new"}}"#, payload.trim_end_matches('}')),
            "orders/create",
            "new-1",
            flat_payload,
        ),
        (
            r#"{"event": "order:new", "event_id": "mine", "events": []}"#.to_owned(),
            "orders/create",
            "new-1",
            r#"{"event_id":"mine","events":[]}"#,
        ),
    ] {
        let pushed = parse(&body).map_err(|errors| errors.to_string())?;
        assert!(!pushed.is_list);
        let [event] = &pushed.events[..] else { return Err("one event".into()) };
        assert_eq!(event.id.as_str(), id, "{body}");
        let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: Timestamp::UNIX_EPOCH };
        let read = StoreEvent::parse(event.record.as_bytes(), &origin)?;
        assert_eq!((read.shop.as_str(), read.topic.as_str(), read.id.as_str()), ("a.example", topic, id));
        assert_eq!(read.payload.as_str(), expected, "{body}");
        assert!(!read.is_test && read.app.is_none());
        assert_eq!(read.pushed_by.as_ref().map(AppId::as_str), Some("importer"));
        assert_eq!(event.partition_key, read.partition_key());
    }
    Ok(())
}

#[test]
fn a_list_is_accepted_as_a_whole_or_not_at_all() -> TestResult {
    let pushed =
        parse(r#"{"events": [{"topic": "orders/create", "payload": {}}, {"event": "a:b", "x": 1}]}"#)
            .map_err(|errors| errors.to_string())?;
    assert!(pushed.is_list);
    let ids: Vec<_> = pushed.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["new-1", "new-2"]);
    let errors =
        parse(r#"{"events": [{"topic": "orders/create", "payload": {}}, {"topic": "x", "payload": 1}, 7]}"#);
    let expected = json!({
        "events.1.payload": ["must be an object"],
        "events.2.event": ["must be an object"],
    });
    assert_eq!(errors, Err(expected));
    Ok(())
}

#[test]
fn two_events_of_a_list_must_not_have_the_same_id() {
    let event = r#"{"topic": "orders/create", "event_id": "e", "payload": {}}"#;
    let errors = parse(&format!(r#"{{"events": [{event}, {event}]}}"#));
    assert_eq!(errors, Err(json!({"events.1.event_id": ["is used by another event of the list"]})));
}

#[test]
fn every_error_names_its_field() {
    let large =
        format!(r#"{{"topic": "orders/create", "payload": {{"n":"{}"}}}}"#, "x".repeat(PAYLOAD_LIMIT));
    let many = format!(r#"{{"events": [{}]}}"#, vec!["{}"; PUSH_LIMIT + 1].join(","));
    let blank = json!({"topic": ["can't be blank"]});
    for (body, errors) in [
        ("", json!({"event": ["must be a JSON object"]})),
        ("[]", json!({"event": ["must be a JSON object"]})),
        ("{", json!({"event": ["must be a JSON object"]})),
        ("{}", blank.clone()),
        (r#"{"payload": {}}"#, blank.clone()),
        (r#"{"topic": " ", "payload": {}}"#, blank.clone()),
        (r#"{"topic": null, "payload": {}}"#, blank),
        (r#"{"topic": 7, "payload": {}}"#, json!({"topic": ["must be a string"]})),
        (r#"{"event": [], "payload": {}}"#, json!({"topic": ["must be a string"]})),
        (
            r#"{"topic": "orders/exploded", "payload": {}}"#,
            json!({"topic": ["is neither a topic of the catalogue nor a noun:verb"]}),
        ),
        (r#"{"topic": "orders/create", "payload": []}"#, json!({"payload": ["must be an object"]})),
        (r#"{"topic": "orders/create", "payload": null}"#, json!({"payload": ["can't be blank"]})),
        (
            r#"{"topic": "orders/create", "event_id": "a.b", "payload": {}}"#,
            json!({"event_id": ["must be 1 to 64 letters, digits, '_' or '-'"]}),
        ),
        (
            r#"{"topic": "orders/exploded", "event_id": "a.b", "payload": {}}"#,
            json!({
                "event_id": ["must be 1 to 64 letters, digits, '_' or '-'"],
                "topic": ["is neither a topic of the catalogue nor a noun:verb"],
            }),
        ),
        (
            r#"{"event_id": 7, "payload": {}}"#,
            json!({"event_id": ["must be a string"], "topic": ["can't be blank"]}),
        ),
        (r#"{"topic": "app/uninstalled", "app": "other"}"#, json!({"topic": ["cannot be pushed"]})),
        (r#"{"topic": "webhooks/disabled", "payload": {}}"#, json!({"topic": ["cannot be pushed"]})),
        (r#"{"events": []}"#, json!({"events": ["must be 1 to 500 events"]})),
        (&many, json!({"events": ["must be 1 to 500 events"]})),
        (
            &large,
            json!({"payload": [format!("is too large: {} bytes, {PAYLOAD_LIMIT} at most", PAYLOAD_LIMIT + 8)]}),
        ),
    ] {
        assert_eq!(parse(body), Err(errors), "{}", &body[..body.len().min(80)]);
    }
}
