//! Inputs that mean harm, at every reader of the domain: 10,000 levels of JSON, bodies of 6 MB, 100,000
//! webhooks. Each is an error or a result of bounded size, on a thread with a small stack.
#![expect(clippy::unwrap_used, reason = "what is unwrapped are constants")]

use jiff::{Timestamp, tz::TimeZone};
use storehook_domain::{
    delivery::{
        body_shape::BodyShape,
        message::DeliveryMessage,
        verdict::{InvalidVerdict, Verdict},
    },
    event::{StoreEvent, aggregated, id::EventId, origin::RecordOrigin, pushed::PushedEvents, topic::Topic},
    history::query::{DeliveryPosition, DeliveryQuery},
    installation::rate_limit::{Pour, RateLimit},
    job::{fan_out::shares, message::Job},
    payload::{Payload, limits::BODY_LIMIT},
    webhook::{WebhookId, query::WebhookQuery},
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// How deep hostile JSON nests.
const DEPTH: usize = 10_000;

/// The largest request that Lambda takes, in bytes.
const REQUEST: usize = 6 * 1024 * 1024;

/// The stack of the thread that reads, in bytes: half of what Rust gives a thread by default.
const STACK: usize = 1024 * 1024;

const ORIGIN: RecordOrigin<'_> =
    RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };

/// Values that nest deep: arrays, objects, both, and one that is cut.
fn deep() -> Vec<String> {
    let nested = |open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(DEPTH), close.repeat(DEPTH))
    };
    vec![
        nested("[", "", "]"),
        nested("{\"a\":", "1", "}"),
        nested("[{\"a_b\":", "null", "}]"),
        nested("[{\"a\":[", "", ""),
    ]
}

/// Runs on a thread with a small stack.
fn with_small_stack(read: impl FnOnce() + Send + 'static) -> TestResult {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(read)?;
    thread.join().map_err(|_| "the reader panicked".into())
}

/// What reads JSON.
fn read_all(text: &str) {
    let app = "demo".parse().unwrap();
    let shop = "a.example".parse().unwrap();
    let event_id = EventId::parse("e1").unwrap();
    let record = format!(
        r#"{{"shop": "a.example", "topic": "orders/create", "event_id": "e1", "payload": {{"a": {text}}}}}"#
    );
    for record in [text, &record] {
        if let Ok(event) = StoreEvent::parse(record.as_bytes(), &ORIGIN) {
            shapes(event.payload);
        }
        let _aggregated = aggregated::inner_records(record.as_bytes());
        let new_id = || EventId::parse("new").unwrap();
        let _pushed = PushedEvents::parse(record.as_bytes(), &shop, &app, Timestamp::UNIX_EPOCH, new_id);
        let _delivery = DeliveryMessage::parse(record.as_bytes());
        let _job = Job::parse(record);
    }
    let _job = Job::parse(&format!(r#"{{"replay": {text}}}"#));
    let verdict = format!(r#"{{"event_id": "e1", "result": "ok", "details": {text}}}"#);
    assert!(Verdict::parse(text.as_bytes(), &event_id).is_err());
    if let Ok(verdict) = Verdict::parse(verdict.as_bytes(), &event_id) {
        assert!(verdict.details.is_none_or(|details| details.len() <= text.len()));
    }
}

/// A payload in every shape that a body may have.
fn shapes(payload: Payload<'_>) {
    let topic = Topic::parse("orders/create").unwrap();
    let event_id = EventId::parse("e1").unwrap();
    for (protocol, format, fields) in [
        ("webhook", "json", r#"[]"#),
        ("webhook", "json", r#"["a"]"#),
        ("webhook", "xml", r#"[]"#),
        ("integration", "json", r#"["b"]"#),
    ] {
        let shape = format!(
            r#"{{"topic": "orders/create", "protocol": "{protocol}", "format": "{format}", "fields": {fields},
                "metafield_namespaces": ["global"]}}"#
        );
        let shape: BodyShape = serde_json::from_str(&shape).unwrap();
        if let Ok((body, _)) = shape.body(payload, &topic, &event_id) {
            assert!(body.len() <= BODY_LIMIT, "{protocol} {format}: {} bytes", body.len());
        }
    }
}

#[test]
fn ten_thousand_levels_of_json_overflow_no_stack() -> TestResult {
    for text in deep() {
        with_small_stack(move || read_all(&text))?;
    }
    Ok(())
}

#[test]
fn bodies_of_6_mb_are_read_or_refused() -> TestResult {
    let texts = [
        format!("\"{}\"", "x".repeat(REQUEST)),
        format!("[{}1]", "1,".repeat(REQUEST / 2)),
        format!("\"{}\"", "\\u0000".repeat(REQUEST / 6)),
        format!("{{{}\"a\":1}}", "\"a\":1,".repeat(REQUEST / 6)),
        "[".repeat(REQUEST),
        "9".repeat(REQUEST),
        "\u{feff}".repeat(REQUEST / 3),
    ];
    for text in texts {
        with_small_stack(move || read_all(&text))?;
    }
    let large = format!(
        r#"{{"shop": "a.example", "topic": "orders/create", "payload": {{"a": "{}"}}}}"#,
        "x".repeat(REQUEST)
    );
    assert!(StoreEvent::parse(large.as_bytes(), &ORIGIN).is_err(), "no message carries such a payload");
    let event_id = EventId::parse("e1")?;
    assert_eq!(Verdict::parse("[".repeat(REQUEST).as_bytes(), &event_id), Err(InvalidVerdict::NotJson));
    Ok(())
}

#[test]
fn forged_cursors_and_endless_queries_are_refused_by_name() {
    let long = "x".repeat(REQUEST);
    let many = "topic=orders%2Fcreate&".repeat(100_000);
    for query in [
        format!("page_info={long}"),
        format!("limit={}", "9".repeat(100_000)),
        "limit=-1".to_owned(),
        "page_info=".to_owned() + &"%2e%2e%2f".repeat(1_000),
    ] {
        let shown = &query[..query.len().min(40)];
        assert!(WebhookQuery::parse(&query, &TimeZone::UTC).is_err(), "{shown}");
    }
    assert!(DeliveryQuery::parse(&format!("page_info={long}"), &TimeZone::UTC).is_err());
    for forged in ["", "AA", "MDE3OTUwMDAwMDAwMDAwMDAjLi4vLi4", &long, "01795000000000000#7-e1", "%00"] {
        assert!(DeliveryPosition::from_page_info(forged).is_err(), "{}", &forged[..forged.len().min(40)]);
    }
    let _filter = WebhookQuery::parse_count(&many);
}

#[test]
fn the_shares_of_100_000_webhooks_are_small_and_leave_none_out() {
    let ids: Vec<_> = (1..=100_000).map(|id| WebhookId::new(id * 7)).collect();
    for (bytes, count) in [(1_000, 63), (1_000_000, 625)] {
        let shares = shares(ids.clone(), bytes);
        assert_eq!(shares.len(), count, "messages of {bytes} bytes");
        let mut next = ids.iter();
        for share in &shares {
            assert!(next.next().is_some_and(|id| share.from == *id));
            assert!(share.from == share.to || next.any(|id| share.to == *id));
        }
        assert_eq!(next.next(), None);
    }
}

/// 20 attempts at once and one a second are what the panel allows a network. Its item holds one number, however
/// many there are.
#[test]
fn of_50_000_failed_sign_ins_in_a_minute_79_cost_a_look_up() {
    let limit = RateLimit::new(20, 1).unwrap();
    let mut empty_at = None;
    let mut admitted = 0;
    for attempt in 0..50_000_i64 {
        let now = attempt * 60_000_000 / 50_000;
        match limit.admit(1, empty_at, now) {
            Ok(Pour::Begin { empty_at: after }) => (empty_at, admitted) = (Some(after), admitted + 1),
            Ok(Pour::Add { micros, .. }) => {
                empty_at = empty_at.map(|before| before + micros);
                admitted += 1;
            }
            Err(full) => assert_eq!(full.seconds, 1),
        }
    }
    assert_eq!(admitted, 79);
}
