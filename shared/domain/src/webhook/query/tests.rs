//! Tests of the query of a list of webhooks.

use serde_json::json;

use super::*;

fn parse(query: &str) -> Result<WebhookQuery, FieldErrors> {
    WebhookQuery::parse(query, &TimeZone::UTC)
}

#[test]
fn an_empty_query_asks_for_the_first_fifty() {
    for query in ["", "unknown=1&&unknown=2", "fields=", "fields=+"] {
        let expected = WebhookQuery {
            filter: WebhookFilter::default(),
            fields: None,
            limit: 50,
            page: 1,
            position: None,
        };
        assert_eq!(parse(query), Ok(expected), "{query}");
    }
}

#[test]
fn every_parameter_is_read() -> Result<(), jiff::Error> {
    let query = "address=https%3A%2F%2Fa.example%2F&topic=order:new&created_at_min=2014-04-25T16:15:47-04:00\
                 &updated_at_max=2014-04-25T16:15:47+02:00&since_id=7&fields=id,%20topic&limit=250&page=3";
    let expected = WebhookQuery {
        filter: WebhookFilter {
            address: Some("https://a.example/".to_owned()),
            topic_key: Some("orders/create".to_owned()),
            created_at_min: Some("2014-04-25T20:15:47Z".parse()?),
            updated_at_max: Some("2014-04-25T14:15:47Z".parse()?),
            since_id: "7".parse().ok(),
            ..WebhookFilter::default()
        },
        fields: Some(vec!["id".to_owned(), "topic".to_owned()]),
        limit: 250,
        page: 3,
        position: None,
    };
    assert_eq!(parse(query).as_ref(), Ok(&expected));
    assert_eq!(expected.skip(), 500);
    Ok(())
}

#[test]
fn every_time_is_read_as_clients_write_it() -> Result<(), jiff::Error> {
    let zone = TimeZone::get("America/New_York")?;
    for (text, expected) in [
        ("2014-04-25T16:15:47-04:00", "2014-04-25T20:15:47Z"),
        ("2014-04-25T22:15:47+02:00", "2014-04-25T20:15:47Z"),
        ("2014-04-25T22:15:47%2B02:00", "2014-04-25T20:15:47Z"),
        ("2014-04-25+16:15:47+-0400", "2014-04-25T20:15:47Z"),
        ("2014-04-25+22:15:47+%2B0200", "2014-04-25T20:15:47Z"),
        ("2014-04-25+22:15:47++0200", "2014-04-25T20:15:47Z"),
        ("2014-04-25+20:15:47+UTC", "2014-04-25T20:15:47Z"),
        ("2014-04-25", "2014-04-25T04:00:00Z"),
    ] {
        let query = format!(
            "created_at_min={text}&created_at_max={text}&updated_at_min={text}&updated_at_max={text}"
        );
        let read = WebhookQuery::parse(&query, &zone).map(|query| query.filter);
        let time = Some(expected.parse()?);
        let filter = WebhookFilter {
            created_at_min: time,
            created_at_max: time,
            updated_at_min: time,
            updated_at_max: time,
            ..WebhookFilter::default()
        };
        assert_eq!(read, Ok(filter), "{text}");
    }
    Ok(())
}

#[test]
fn all_errors_are_found_at_once() {
    let time = ["must be an ISO 8601 date and time with an offset, or a date"];
    let (limit, page) = (["must be between 1 and 250"], ["must be 1 or greater"]);
    for (query, errors) in [
        ("limit=0", json!({"limit": limit})),
        ("limit=251&page=0", json!({"limit": limit, "page": page})),
        ("limit=-1", json!({"limit": limit})),
        ("limit=1e1", json!({"limit": limit})),
        ("limit=%D9%A3", json!({"limit": limit})),
        ("limit=10%00", json!({"limit": limit})),
        ("limit=", json!({"limit": limit})),
        ("limit=99999999999999999999999", json!({"limit": limit})),
        ("page=", json!({"page": page})),
        ("since_id=x", json!({"since_id": ["must be a whole number"]})),
        ("since_id=-1", json!({"since_id": ["must be a whole number"]})),
        ("created_at_min=yesterday", json!({"created_at_min": time})),
        ("created_at_max=%222014-04-25%22", json!({"created_at_max": time})),
        ("updated_at_min=2014-02-30T00:00:00Z", json!({"updated_at_min": time})),
        ("updated_at_max=2014-04-25T16:15:47", json!({"updated_at_max": time})),
        ("topic=orders/exploded", json!({"topic": [catalogue::not_allowed_message()]})),
        ("address=apple.com", json!({"address": ["is invalid"]})),
        ("address=http://a%00b/", json!({"address": ["is invalid"]})),
        ("limit=1&limit=1", json!({"limit": ["may be given only once"]})),
        ("fields=id&fields=topic&page=0", json!({"fields": ["may be given only once"], "page": page})),
    ] {
        let actual = parse(query).err().map(|errors| json!(errors));
        assert_eq!(actual, Some(errors), "{query}");
    }
}

#[test]
fn a_page_or_an_id_beyond_the_end_is_accepted() {
    let query = parse("since_id=99999999999999999999");
    assert_eq!(query.map(|query| query.filter.since_id), Ok(Some(WebhookId::new(u64::MAX))));
    let query = parse("page=99999999999999999999999&limit=250");
    assert_eq!(query.map(|query| query.skip()), Ok(usize::MAX));
}

#[test]
fn a_count_has_address_and_topic_and_a_single_webhook_has_fields() {
    let filter = WebhookFilter { topic_key: Some("orders/paid".to_owned()), ..WebhookFilter::default() };
    assert_eq!(WebhookQuery::parse_count("topic=orders/paid&limit=0&since_id=x"), Ok(filter));
    let errors = WebhookQuery::parse_count("topic=x&address=y").err().map(|errors| json!(errors));
    let expected = json!({"address": ["is invalid"], "topic": [catalogue::not_allowed_message()]});
    assert_eq!(errors, Some(expected));
    assert_eq!(WebhookQuery::parse_fields("fields=id&limit=0"), Ok(Some(vec!["id".to_owned()])));
}

#[test]
fn pages_lead_to_their_neighbours_and_back() {
    let ids = [4, 7].map(WebhookId::new);
    let (first, last) = (Some(Position::Before(ids[0])), Some(Position::After(ids[1])));
    let (after, before) = (Position::After(WebhookId::new(3)), Position::Before(WebhookId::new(8)));
    for (page, position, has_more, previous, next) in [
        (1, None, false, None, None),
        (1, None, true, None, last),
        (2, None, false, first, None),
        (2, None, true, first, last),
        (1, Some(after), false, first, None),
        (1, Some(after), true, first, last),
        (1, Some(before), false, None, last),
        (1, Some(before), true, first, last),
    ] {
        let filter = WebhookFilter {
            address: Some("https://a.example/".to_owned()),
            topic_key: Some("orders/create".to_owned()),
            updated_at_max: Some(jiff::Timestamp::UNIX_EPOCH),
            since_id: Some(WebhookId::new(2)),
            ..WebhookFilter::default()
        };
        let query = WebhookQuery { filter, fields: None, limit: 2, page, position };
        let neighbours = query.neighbours(&ids, has_more);
        for (page_info, position) in [(neighbours.previous, previous), (neighbours.next, next)] {
            let read = page_info.map(|page_info| parse(&format!("limit=2&page_info={page_info}")));
            let expected = position.map(|_| Ok(WebhookQuery { page: 1, position, ..query.clone() }));
            assert_eq!(read, expected, "{query:?}");
        }
        assert_eq!(query.neighbours(&[], has_more), neighbours::Neighbours::default());
    }
}

#[test]
fn page_info_goes_with_limit_and_fields_only() {
    let query = WebhookQuery { position: Some(Position::After(WebhookId::new(7))), ..first_page() };
    let page_info = query.neighbours(&[WebhookId::new(9)], true).next.unwrap_or_default();
    let read = parse(&format!("page_info={page_info}&limit=3&fields=id&unknown=1"));
    let expected = WebhookQuery {
        fields: Some(vec!["id".to_owned()]),
        limit: 3,
        position: Some(Position::After(WebhookId::new(9))),
        ..first_page()
    };
    assert_eq!(read, Ok(expected));
    for name in NOT_WITH_PAGE_INFO {
        let errors = parse(&format!("{name}=1&page_info={page_info}")).err().map(|errors| json!(errors));
        assert_eq!(errors, Some(json!({name: ["cannot be given with page_info"]})), "{name}");
    }
    for malformed in ["%", "x", "e30", "bnVsbA", &format!("{page_info}="), &format!("{page_info}x")] {
        let errors = parse(&format!("page_info={malformed}")).err().map(|errors| json!(errors));
        assert_eq!(errors, Some(json!({"page_info": ["is invalid"]})), "{malformed}");
    }
    assert_eq!(parse("page_info=&page=2").map(|query| query.page), Ok(2), "a blank one is none");
}

#[test]
fn a_page_has_the_ids_between_its_ends() {
    let id = WebhookId::new;
    for (since_id, position, range) in [
        (None, None, Some((0, u64::MAX))),
        (Some(7), None, Some((8, u64::MAX))),
        (Some(u64::MAX), None, Some((u64::MAX, u64::MAX))),
        (None, Some(Position::After(id(9))), Some((10, u64::MAX))),
        (Some(7), Some(Position::After(id(9))), Some((10, u64::MAX))),
        (Some(9), Some(Position::After(id(7))), Some((10, u64::MAX))),
        (None, Some(Position::Before(id(9))), Some((0, 8))),
        (Some(7), Some(Position::Before(id(9))), Some((8, 8))),
        (Some(8), Some(Position::Before(id(9))), None),
        (None, Some(Position::Before(id(0))), None),
    ] {
        let filter = WebhookFilter { since_id: since_id.map(id), ..WebhookFilter::default() };
        let query = WebhookQuery { filter, position, ..first_page() };
        assert_eq!(query.range(), range.map(|(first, last)| (id(first), id(last))), "{query:?}");
    }
}

/// The ids of a page, as DynamoDB is asked for them: those of the range, nearest to the position
/// first.
fn shown(query: &WebhookQuery, ids: &[WebhookId]) -> (Vec<WebhookId>, bool) {
    let in_range = |id: &&WebhookId| query.range().is_some_and(|(first, last)| (first..=last).contains(id));
    let mut found: Vec<_> = ids.iter().filter(in_range).copied().collect();
    if query.is_backward() {
        found.reverse();
    }
    let has_more = found.len() > query.limit;
    found.truncate(query.limit);
    found.sort();
    (found, has_more)
}

#[test]
fn the_links_lead_through_every_page_and_back_through_the_same_pages() -> Result<(), FieldErrors> {
    let ids: Vec<_> = (1..=7).map(|number| WebhookId::new(number * 10)).collect();
    let (mut query, mut pages) = (WebhookQuery { limit: 3, ..first_page() }, Vec::new());
    loop {
        let (page, has_more) = shown(&query, &ids);
        let next = query.neighbours(&page, has_more).next;
        pages.push(page);
        let Some(page_info) = next else { break };
        query = parse(&format!("limit=3&page_info={page_info}"))?;
    }
    assert_eq!(pages, ids.chunks(3).collect::<Vec<_>>());
    let mut back = Vec::new();
    loop {
        let (page, has_more) = shown(&query, &ids);
        let previous = query.neighbours(&page, has_more).previous;
        back.insert(0, page);
        let Some(page_info) = previous else { break };
        query = parse(&format!("limit=3&page_info={page_info}"))?;
    }
    assert_eq!(back, pages);
    Ok(())
}

fn first_page() -> WebhookQuery {
    WebhookQuery::first(WebhookFilter::default(), 50)
}
