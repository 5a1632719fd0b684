//! Tests of the reader of records.

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn origin() -> RecordOrigin<'static> {
    RecordOrigin {
        shard_id: "shardId-000000000006",
        sequence_number: "49590338271490256608559692538361571095921575989136588898",
        arrived_at: Timestamp::UNIX_EPOCH,
    }
}

fn parse(record: &str) -> Result<StoreEvent<'_>, InvalidEvent> {
    StoreEvent::parse(record.as_bytes(), &origin())
}

#[test]
fn a_full_record_is_read_field_by_field() -> TestResult {
    let event = parse(
        r#"{"shop": "MyNewStore.spiffystores.com", "topic": "orders/create", "event_id": "01JD-x_9",
            "triggered_at": "2026-11-21T15:00:00Z", "payload": {"id": 1}, "test": true, "app": "demo",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "unknown": 7}"#,
    )?;
    assert_eq!(event.shop.as_str(), "mynewstore.spiffystores.com");
    assert_eq!(event.topic.as_str(), "orders/create");
    assert_eq!(event.id.as_str(), "01JD-x_9");
    assert_eq!(event.triggered_at, "2026-11-21T15:00:00Z".parse()?);
    assert_eq!(event.app, Some(AppId::parse("demo")?));
    assert!(event.is_test);
    assert!(event.traceparent.is_some());
    Ok(())
}

#[test]
fn an_event_with_a_malformed_traceparent_goes_out_without_it() -> TestResult {
    let ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
    for (traceparent, is_passed_on) in [
        (format!(r#""00-{ids}-01""#), true),
        (format!(r#""00-{ids}-01-more""#), false),
        (r#""00-zz""#.to_owned(), false),
        ("7".to_owned(), false),
    ] {
        let record = format!(
            r#"{{"shop": "a.example", "topic": "orders/create", "payload": {{}}, "traceparent": {traceparent}}}"#
        );
        assert_eq!(parse(&record)?.traceparent.is_some(), is_passed_on, "{traceparent}");
    }
    Ok(())
}

#[test]
fn a_time_as_ruby_prints_it_is_read() -> TestResult {
    for time in ["2026-11-21T15:00:00Z", "2026-11-21 10:00:00 -0500", "2026-11-21 15:00:00 UTC"] {
        let record = format!(
            r#"{{"shop": "a.example", "topic": "orders/create", "payload": {{}}, "triggered_at": "{time}"}}"#
        );
        assert_eq!(parse(&record)?.triggered_at, "2026-11-21T15:00:00Z".parse()?, "{time}");
    }
    Ok(())
}

#[test]
fn a_byte_order_mark_before_a_record_is_passed_over() -> TestResult {
    let record =
        "{\"shop\": \"a.example\", \"topic\": \"orders/create\", \"payload\": {\"note\": \"\u{feff}\"}}";
    let event = parse(record)?;
    let marked = format!("\u{feff}{record}");
    assert_eq!(format!("{:?}", parse(&marked)?), format!("{event:?}"));
    let twice = format!("\u{feff}{marked}");
    assert!(matches!(parse(&twice), Err(InvalidEvent::NotAnObject)));
    Ok(())
}

#[test]
fn missing_members_come_from_the_records_origin() -> TestResult {
    let record = r#"{"shop": "a.example", "event": "order:new", "payload": {}}"#;
    let event = parse(record)?;
    assert_eq!(event.topic.as_str(), "orders/create");
    assert_eq!(event.triggered_at, Timestamp::UNIX_EPOCH);
    assert!(!event.is_test && event.app.is_none());
    assert_eq!(parse(record)?.id, event.id, "a re-read record has the same id");
    let neighbour = RecordOrigin { sequence_number: "1", ..origin() };
    assert_ne!(StoreEvent::parse(record.as_bytes(), &neighbour)?.id, event.id);
    Ok(())
}

#[test]
fn the_payload_keeps_the_published_bytes() -> TestResult {
    let payload =
        r#"{ "z": 327475578523353102, "a": 199.0,  "price":"19.99", "name": "Zoë \u00e9 \/", "n": 1e400 }"#;
    let record = format!(r#"{{"shop": "a.example", "topic": "orders/create", "payload": {payload}}}"#);
    assert_eq!(parse(&record)?.payload.as_str(), payload);
    Ok(())
}

#[test]
fn a_payload_that_does_not_fit_into_a_message_is_rejected() {
    let record = |size: usize| {
        let filler = "x".repeat(size - r#"{"n":""}"#.len());
        format!(r#"{{"shop": "a.example", "topic": "orders/create", "payload": {{"n":"{filler}"}}}}"#)
    };
    // An SQS message has at most 1 MiB, and 2 KiB of it are for the rest.
    assert_eq!(PAYLOAD_LIMIT, 1_046_528);
    assert!(parse(&record(PAYLOAD_LIMIT)).is_ok());
    let bytes = PAYLOAD_LIMIT + 1;
    assert!(matches!(parse(&record(bytes)), Err(InvalidEvent::TooLarge { bytes: size }) if size == bytes));
}

#[test]
fn the_error_for_a_malformed_record_says_what_is_wrong() {
    let with = |fields: &str| {
        format!(r#"{{"shop": "a.example", "topic": "orders/create", "payload": {{}}, {fields}}}"#)
    };
    for (record, message) in [
        ("not json".to_owned(), "the record is not a JSON object"),
        ("".to_owned(), "the record is not a JSON object"),
        ("[]".to_owned(), "the record is not a JSON object"),
        (r#""{}""#.to_owned(), "the record is not a JSON object"),
        (r#"{"shop": "#.to_owned(), "EOF while parsing a value at line 1 column 9"),
        (r#"{} {}"#.to_owned(), "trailing characters at line 1 column 4"),
        (r#"{"shop": "a", "shop": "b"}"#.to_owned(), "duplicate field `shop`"),
        (r#"{"topic": "orders/create", "payload": {}}"#.to_owned(), "'shop' is missing"),
        (r#"{"shop": null, "topic": "orders/create", "payload": {}}"#.to_owned(), "'shop' is missing"),
        (r#"{"shop": 7, "topic": "orders/create", "payload": {}}"#.to_owned(), "'shop' must be a string"),
        (
            r#"{"shop": "a b", "topic": "orders/create", "payload": {}}"#.to_owned(),
            "'shop' must be a shop's domain",
        ),
        (r#"{"shop": "a.example", "payload": {}}"#.to_owned(), "'topic' is missing"),
        (
            r#"{"shop": "a.example", "topic": "orders/exploded", "payload": {}}"#.to_owned(),
            "'orders/exploded' is neither",
        ),
        (r#"{"shop": "a.example", "topic": "orders/create"}"#.to_owned(), "'payload' is missing"),
        (
            r#"{"shop": "a.example", "topic": "orders/create", "payload": []}"#.to_owned(),
            "'payload' must be an object",
        ),
        (with(r#""event_id": "a.b""#), "'event_id' must be 1 to 64"),
        (with(r#""event_id": 12"#), "'event_id' must be a string"),
        (with(r#""triggered_at": "yesterday""#), "'triggered_at' must be an ISO 8601"),
        (with(r#""triggered_at": "2026-11-21T15:00:00""#), "'triggered_at' must be an ISO 8601"),
        (with(r#""app": "a#b""#), "'app' must be an app's name"),
        (with(r#""test": "yes""#), "'test' must be true or false"),
    ] {
        let error = parse(&record).map(|_| ()).map_err(|error| error.to_string());
        assert!(error.as_ref().is_err_and(|error| error.contains(message)), "{record}: {error:?}");
    }
    assert!(matches!(StoreEvent::parse(b"{\"shop\": \"\xff\"}", &origin()), Err(InvalidEvent::NotJson(_))));
}

/// All events of a resource are on one shard and keep their order. Kinesis takes no longer key.
#[test]
fn records_of_one_resource_have_one_partition_key_of_at_most_256_characters() -> TestResult {
    let long = format!("{}.example", ["s"; 4].map(|label| label.repeat(55)).join("."));
    let cut = format!("{long}/{}", "i".repeat(256 - long.len() - 1));
    for (shop, id, payload, key) in [
        ("a.example", "e1", r#"{"id": 7}"#, "a.example/7"),
        ("a.example", "e2", r#"{"id": 7}"#, "a.example/7"),
        ("a.example", "e1", "{}", "a.example/e1"),
        (&*long, &*"i".repeat(64), "{}", &*cut),
    ] {
        let record = format!(
            r#"{{"shop": "{shop}", "topic": "orders/create", "event_id": "{id}", "payload": {payload}}}"#
        );
        assert_eq!(parse(&record)?.partition_key(), key);
    }
    Ok(())
}
