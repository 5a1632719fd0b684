use proptest::prelude::*;
use serde_json::json;

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[test]
fn every_parameter_is_read_and_what_is_wrong_is_named() -> TestResult {
    let event = DeliveryId::parse("7-e_1-x")?;
    let position = DeliveryPosition::of("2026-11-21T15:00:00.123456Z".parse()?, &event);
    let query = format!(
        "event_id=e1&state=dead&since=2026-11-21T10:00:00-05:00&until=2026-11-22T00:00:00Z&limit=3&page_info={}&x=1",
        position.to_page_info()
    );
    let expected = DeliveryQuery {
        event_id: Some(EventId::parse("e1")?),
        state: Some(DeliveryState::Dead),
        since: Some("2026-11-21T15:00:00Z".parse()?),
        until: Some("2026-11-22T00:00:00Z".parse()?),
        limit: 3,
        after: Some(position),
    };
    assert_eq!(DeliveryQuery::parse(&query, &TimeZone::UTC).as_ref(), Ok(&expected));
    let query = query.replace("2026-11-21T10:00:00-05:00", "2026-11-21+15:00:00+UTC");
    let query = query.replace("2026-11-22T00:00:00Z", "2026-11-22");
    assert_eq!(DeliveryQuery::parse(&query, &TimeZone::UTC).as_ref(), Ok(&expected));
    let nothing =
        DeliveryQuery { event_id: None, state: None, since: None, until: None, limit: 50, after: None };
    for query in ["", "event_id=&state=&page_info="] {
        assert_eq!(DeliveryQuery::parse(query, &TimeZone::UTC).as_ref(), Ok(&nothing), "{query}");
    }
    let errors = DeliveryQuery::parse(
        "event_id=e.1&state=lost&since=today&until=&limit=251&page_info=bm9wZQ",
        &TimeZone::UTC,
    );
    assert_eq!(
        errors.err().map(|errors| json!(errors)),
        Some(json!({
            "event_id": ["must be 1 to 64 letters, digits, '_' or '-'"],
            "state": ["is not included in the list"],
            "since": ["must be an ISO 8601 date and time with an offset, or a date"],
            "until": ["must be an ISO 8601 date and time with an offset, or a date"],
            "limit": ["must be between 1 and 250"],
            "page_info": ["is invalid"],
        }))
    );
    Ok(())
}

#[test]
fn the_filters_of_a_list_read_back() -> TestResult {
    for query in ["limit=50", "state=dead&since=2026-11-21T15:00:00Z&until=2026-11-22T00:00:00.5Z&limit=3"] {
        let read = DeliveryQuery::parse(query, &TimeZone::UTC).map_err(|errors| json!(errors).to_string())?;
        let filters = read.filters().into_iter().map(|(name, value)| format!("{name}={value}"));
        assert_eq!(filters.collect::<Vec<_>>().join("&"), query);
    }
    Ok(())
}

#[test]
fn a_position_knows_its_delivery_and_time_and_a_bound_has_no_delivery() -> TestResult {
    let (webhook_id, time) = (WebhookId::new(7), "2026-11-21T15:00:00.123456Z".parse()?);
    for id in ["7-e_1-x", "7-e~0a1b2c3d"] {
        let id = DeliveryId::parse(id)?;
        assert_eq!(DeliveryPosition::of(time, &id).delivery_id(webhook_id), Some(id));
    }
    for bound in [DeliveryPosition::start_of(time), DeliveryPosition::end_of(time)] {
        assert_eq!((bound.delivery_id(webhook_id), bound.created_at()), (None, time));
    }
    Ok(())
}

#[test]
fn the_window_of_statistics_is_since_and_until() -> TestResult {
    let zone = TimeZone::get("America/New_York")?;
    let (since, until) = ("2026-11-21T15:00:00Z", "2026-11-22T00:00:00Z");
    for (query, expected) in [
        (String::new(), (None, None)),
        (format!("since={since}&state=lost"), (Some(since.parse()?), None)),
        (format!("until={until}&since={since}"), (Some(since.parse()?), Some(until.parse()?))),
        (
            "since=2026-11-21+10:00:00+-0500&until=2026-11-22".to_owned(),
            (Some(since.parse()?), Some("2026-11-22T05:00:00Z".parse()?)),
        ),
    ] {
        assert_eq!(DeliveryQuery::parse_window(&query, &zone), Ok(expected), "{query}");
    }
    let errors = DeliveryQuery::parse_window("since=today&until=x", &zone).err().map(|errors| json!(errors));
    let message = json!(["must be an ISO 8601 date and time with an offset, or a date"]);
    assert_eq!(errors, Some(json!({"since": message, "until": message})));
    Ok(())
}

#[test]
fn malformed_positions_are_refused() {
    for key in
        ["", "1#e", "01795000000000000", "01795000000000000#", "0179500000000000x#e", "01795000000000000#a.b"]
    {
        assert_eq!(DeliveryPosition::from_key(key), Err(InvalidPosition), "{key}");
    }
    assert_eq!(DeliveryPosition::from_page_info("%"), Err(InvalidPosition));
}

/// Both ends of the window belong to it.
#[test]
fn a_query_includes_deliveries_of_its_state_and_its_window() -> TestResult {
    use crate::history::record::tests::{attempted, retry, time};
    let any =
        DeliveryQuery::parse("", &jiff::tz::TimeZone::UTC).map_err(|errors| json!(errors).to_string())?;
    let record = attempted(500, retry(10))?;
    let (before, at, after) = (time(-1), time(0), time(1));
    let window = |since, until| DeliveryQuery { since, until, ..any.clone() };
    for (query, is_included) in [
        (any.clone(), true),
        (DeliveryQuery { state: Some(DeliveryState::Retrying), ..any.clone() }, true),
        (DeliveryQuery { state: Some(DeliveryState::Dead), ..any.clone() }, false),
        (window(Some(before), None), true),
        (window(Some(at), Some(at)), true),
        (window(Some(after), None), false),
        (window(None, Some(after)), true),
        (window(None, Some(before)), false),
        (DeliveryQuery { state: Some(DeliveryState::Dead), ..window(Some(at), Some(at)) }, false),
    ] {
        assert_eq!(query.includes(&record), is_included, "{query:?}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn keys_sort_as_times_do_and_read_back(
        a in 0..4_000_000_000_000_000_i64, b in 0..4_000_000_000_000_000_i64, ids in ("[A-Za-z0-9_-]{1,64}(~[0-9a-f]{8})?", "[A-Za-z0-9_-]{1,64}(~[0-9a-f]{8})?"),
    ) {
        let time = |micros| Timestamp::from_microsecond(micros).unwrap_or_default();
        let fail = |()| TestCaseError::fail("an id");
        let id = |text: &str| DeliveryId::of_webhook(WebhookId::new(7), text).ok_or(()).map_err(fail);
        let (x, y) = (id(&ids.0)?, id(&ids.1)?);
        let (first, second) = (DeliveryPosition::of(time(a), &x), DeliveryPosition::of(time(b), &y));
        prop_assert_eq!(first.cmp(&second), (a, ids.0.as_str()).cmp(&(b, ids.1.as_str())));
        prop_assert_eq!(first.as_key().cmp(second.as_key()), first.cmp(&second), "DynamoDB sorts keys as bytes");
        prop_assert_eq!(DeliveryPosition::from_key(first.as_key()), Ok(first.clone()));
        prop_assert_eq!(DeliveryPosition::from_page_info(&first.to_page_info()), Ok(first.clone()));
        prop_assert_eq!(first.created_at(), time(a));
        prop_assert!(DeliveryPosition::start_of(time(a)) < first && first < DeliveryPosition::end_of(time(a)));
    }
}
