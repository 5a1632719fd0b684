//! Lists and counts of the admin API.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_aws::registry;
use storehook_tests::{Api, Call, DirectApi, Installed, Stack};

/// The ids that a list shows.
async fn ids(api: &Api, query: &str) -> Result<Vec<u64>> {
    let response = api.call(Method::GET, &format!("/admin/webhooks.json?fields=id{query}"), None).await?;
    assert_eq!(response.status, StatusCode::OK, "{query}: {}", response.json);
    let webhooks = response.json["webhooks"].as_array().context("no list")?;
    webhooks.iter().map(|webhook| webhook["id"].as_u64().context("no id")).collect()
}

#[tokio::test]
async fn lists_are_paged_by_ascending_id_and_empty_beyond_the_end() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let mut all = Vec::new();
    for number in 0..5 {
        all.push(api.create_webhook("orders/create", &format!("https://a.example/{number}")).await?);
    }
    assert!(all.is_sorted());
    for (query, expected) in [
        (String::new(), &all[..]),
        ("&limit=2".to_owned(), &all[..2]),
        ("&limit=2&page=2".to_owned(), &all[2..4]),
        ("&limit=2&page=3".to_owned(), &all[4..]),
        ("&limit=2&page=4".to_owned(), &[]),
        ("&page=99999999999999999999&limit=250".to_owned(), &[]),
        (format!("&since_id={}", all[2]), &all[3..]),
        (format!("&since_id={}&limit=1&page=2", all[1]), &all[3..4]),
        (format!("&since_id={}", u64::MAX), &[]),
        ("&since_id=0".to_owned(), &all[..]),
        ("&address=https://a.example/3".to_owned(), &all[3..4]),
        ("&address=https://a.example/".to_owned(), &[]),
        ("&topic=orders/create&limit=1".to_owned(), &all[..1]),
        ("&topic=order:new&limit=1&page=5".to_owned(), &all[4..]),
        ("&topic=orders/*".to_owned(), &[]),
        ("&unknown=1".to_owned(), &all[..]),
    ] {
        assert_eq!(ids(&api, &query).await?, expected, "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn the_fields_parameter_selects_properties_of_lists_and_of_one_webhook() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let id = api.create_webhook("order:new", "https://a.example/").await?;
    for (fields, expected) in [
        ("id", json!({"id": id})),
        ("topic,%20id", json!({"id": id, "topic": "order:new"})),
        ("address,status,nonsense", json!({"address": "https://a.example/", "status": "active"})),
        ("nonsense", json!({})),
    ] {
        let list = api.call(Method::GET, &format!("/admin/webhooks.json?fields={fields}"), None).await?;
        assert_eq!(list.json, json!({"webhooks": [expected]}), "{fields}");
        let one = api.call(Method::GET, &format!("/admin/webhooks/{id}.json?fields={fields}"), None).await?;
        assert_eq!(one.json, json!({"webhook": expected}), "{fields}");
    }
    Ok(())
}

#[tokio::test]
async fn counts_filter_by_address_and_topic_and_ignore_other_parameters() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    for (topic, address) in [
        ("orders/create", "https://a.example/"),
        ("order:updated", "https://a.example/"),
        ("orders/create", "https://b.example/"),
        ("orders/*", "https://b.example/"),
    ] {
        api.create_webhook(topic, address).await?;
    }
    for (query, count) in [
        ("", 4),
        ("?topic=orders/create", 2),
        ("?topic=order:new", 2),
        ("?topic=orders/updated", 1),
        ("?topic=orders/paid", 0),
        ("?address=https://b.example/", 2),
        ("?address=https://b.example/&topic=orders/*", 1),
        ("?limit=0&page=x&since_id=-1", 4),
    ] {
        let response = api.call(Method::GET, &format!("/admin/webhooks/count.json{query}"), None).await?;
        assert_eq!((response.status, response.json), (StatusCode::OK, json!({ "count": count })), "{query}");
    }
    Ok(())
}

/// A partition that DynamoDB does not read at once: its pages hold a megabyte.
#[tokio::test]
async fn lists_and_counts_read_all_pages_of_dynamodb() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let api = &installed.api;
    let all = longest_webhooks(api, 150).await?;
    assert!(dynamodb_pages(&stack, &installed).await? > 1, "or this shows nothing");
    for (query, expected) in [
        ("&limit=250", &all[..]),
        ("&topic=orders/create&limit=250", &all[..]),
        ("&limit=10&page=2", &all[10..20]),
        ("&limit=100&page=2", &all[100..]),
        ("&limit=100&page=3", &[]),
    ] {
        assert_eq!(ids(api, query).await?, expected, "{query}");
    }
    for query in ["", "?topic=orders/create"] {
        let response = api.call(Method::GET, &format!("/admin/webhooks/count.json{query}"), None).await?;
        assert_eq!(response.json, json!({"count": 150}));
    }
    let whole = api.call(Method::GET, "/admin/webhooks.json?limit=250", None).await?;
    assert_eq!((whole.status, whole.json["webhooks"].as_array().map(Vec::len)), (StatusCode::OK, Some(150)));
    Ok(())
}

/// Webhooks as long as they can be, whose ids grow.
async fn longest_webhooks(api: &Api, count: usize) -> Result<Vec<u64>> {
    let create = |number: usize| async move {
        api.create_webhook_with(json!({
            "topic": "orders/create", "address": format!("https://a.example/{number:0>2030}"),
            "fields": ["\"".repeat(1_022)], "metafield_namespaces": ["x".repeat(2_044)],
            "custom_headers": {"X-A": "x".repeat(1_024), "X-B": "x".repeat(1_024), "X-C": "x".repeat(900)},
        }))
        .await
    };
    let mut ids: Vec<u64> = stream::iter(0..count).map(create).buffered(10).try_collect().await?;
    ids.sort();
    Ok(ids)
}

/// What the API promises to see of its own writes, it asks DynamoDB for; and it lets DynamoDB
/// count.
#[tokio::test]
async fn reads_are_strongly_consistent_and_dynamodb_counts() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "https://a.example/").await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let api = installed.api.at(&direct.url);
    let one = format!("/admin/webhooks/{id}.json?fields=id,failing_since");
    for (path, limit, reads) in [
        ("/admin/webhooks.json?limit=3&page=2", json!(7), 2),
        ("/admin/webhooks.json?topic=*", json!(null), 2),
        ("/admin/webhooks/count.json", json!(null), 2),
        // The third one is of its health. What is held is counted in an index, which has no such reads.
        (&one, json!(null), 3),
    ] {
        let (response, calls) = direct.decide(api.call(Method::GET, path, None), Call::let_through).await?;
        assert_eq!((response.status, calls.len()), (StatusCode::OK, reads), "{path}");
        for (operation, body) in &calls {
            assert_eq!(body["ConsistentRead"], json!(true), "{path}: {operation}");
        }
        let (_, read) = &calls[1];
        assert_eq!(
            read["Limit"], limit,
            "{path}: no more is read than is skipped or shown, and one that tells of a next page"
        );
        assert_eq!(read["Select"] == json!("COUNT"), path.contains("count"), "{path}");
    }
    Ok(())
}

/// How many pages DynamoDB makes of an installation's partition.
async fn dynamodb_pages(stack: &Stack, installed: &Installed) -> Result<usize> {
    let partition = AttributeValue::S(registry::partition_of(&installed.shop, &installed.app));
    let query = aws_sdk_dynamodb::Client::new(&stack.sdk()).query().table_name(stack.resource("registry"));
    let query = query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", partition);
    let mut pages = query.into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        page?;
        count += 1;
    }
    Ok(count)
}

/// A webhook's own times, as it shows them and in any other offset, are the ends of the ranges that
/// it is in.
#[tokio::test]
async fn time_ranges_are_inclusive_in_every_offset() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let api = &installed.api;
    // In the hour that New York's clocks went through twice: 90 minutes apart, and the later one's
    // clock shows 30 minutes more.
    let early = api.create_webhook("orders/create", "https://a.example/").await?;
    let late = api.create_webhook("orders/paid", "https://a.example/").await?;
    for (id, time) in [(early, "2026-11-01T05:15:00Z"), (late, "2026-11-01T06:45:00Z")] {
        set_times(&stack, &installed, id, time).await?;
    }
    let shown = api.call(Method::GET, "/admin/webhooks.json?fields=created_at,updated_at", None).await?.json;
    let times = |time: &str| json!({"created_at": time, "updated_at": time});
    let (first, second) = ("2026-11-01T01:15:00-04:00", "2026-11-01T01:45:00-05:00");
    assert_eq!(shown, json!({"webhooks": [times(first), times(second)]}));
    for property in ["created_at", "updated_at"] {
        for (range, expected) in [
            (format!("{property}_min={first}"), &[early, late][..]),
            (format!("{property}_max={second}"), &[early, late]),
            (format!("{property}_min={second}"), &[late]),
            (format!("{property}_max={first}"), &[early]),
            (format!("{property}_min={first}&{property}_max={first}"), &[early]),
            (format!("{property}_min=2026-11-01T01:15:01-04:00"), &[late]),
            (format!("{property}_max=2026-11-01T01:44:59-05:00"), &[early]),
            (format!("{property}_min=2026-11-01T01:30:00-05:00"), &[late]),
            (format!("{property}_max=2026-11-01T01:30:00-04:00"), &[early]),
            (format!("{property}_min=2026-11-01T12:15:00%2B05:30"), &[late]),
            (format!("{property}_max=2026-11-01T14:15:00+09:00"), &[early]),
            (format!("{property}_min=2026-11-01T06:45:00.001Z"), &[]),
            (format!("{property}_min=2026-11-01+01:45:00+-0500"), &[late]),
            (format!("{property}_max=2026-11-01+05:15:00+UTC"), &[early]),
            (format!("{property}_min=2026-11-01"), &[early, late]),
            (format!("{property}_max=2026-11-01"), &[]),
            (format!("{property}_max=2026-11-02"), &[early, late]),
        ] {
            assert_eq!(ids(api, &format!("&{range}")).await?, expected, "{range}");
        }
    }
    Ok(())
}

async fn set_times(stack: &Stack, installed: &Installed, id: u64, time: &str) -> Result<()> {
    let key = registry::webhook_key(&installed.shop, &installed.app, id.to_string().parse()?);
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let update = client.update_item().table_name(stack.resource("registry")).set_key(Some(key));
    let update = update.update_expression("SET created_at = :time, updated_at = :time");
    update.expression_attribute_values(":time", AttributeValue::S(time.to_owned())).send().await?;
    Ok(())
}
