//! A webhook's life by the admin API.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::event::catalogue;
use storehook_tests::Stack;

#[tokio::test]
async fn every_path_works_under_three_prefixes_and_json_is_optional() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    for prefix in ["/admin", "/api", "/admin/api/2024-10", "/admin/api/unstable"] {
        for suffix in [".json", "", "/"] {
            let webhooks = format!("{prefix}/webhooks{suffix}");
            let new = json!({"webhook": {"topic": "orders/create", "address": "https://a.example/"}});
            let created = api.call(Method::POST, &webhooks, Some(new)).await?;
            assert_eq!(created.status, StatusCode::CREATED, "{webhooks}");
            let one = format!("{prefix}/webhooks/{}{suffix}", created.json["webhook"]["id"]);
            let pause = Some(json!({"webhook": {"status": "paused"}}));
            for (method, path, body) in [
                (Method::GET, &webhooks, None),
                (Method::GET, &format!("{prefix}/webhooks/count{suffix}"), None),
                (Method::GET, &one, None),
                (Method::PUT, &one, pause),
                (Method::DELETE, &one, None),
            ] {
                let response = api.call(method.clone(), path, body).await?;
                assert_eq!(response.status, StatusCode::OK, "{method} {path}");
                assert_eq!(response.header("content-type"), "application/json");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_webhook_lists_the_documented_properties_first_and_then_ours() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let new = json!({"topic": "order:new", "address": "https://a.example/hook?a=1"});
    let plain = api.call(Method::POST, "/admin/webhooks.json", Some(json!({ "webhook": new }))).await?;
    let webhook = &plain.json["webhook"];
    let keys: Vec<_> = webhook.as_object().into_iter().flat_map(|webhook| webhook.keys()).collect();
    let pages =
        ["id", "address", "topic", "created_at", "updated_at", "format", "fields", "metafield_namespaces"];
    let ours = [
        "protocol",
        "status",
        "custom_headers",
        "failing_since",
        "next_probe_at",
        "disables_at",
        "held_count",
    ];
    assert_eq!(keys, [&pages[..], &ours].concat());
    let id = webhook["id"].clone();
    let defaults = json!({
        "id": id, "address": "https://a.example/hook?a=1", "topic": "order:new", "format": "json", "fields": [],
        "metafield_namespaces": [], "protocol": "webhook", "status": "active", "custom_headers": {},
        "created_at": webhook["created_at"], "updated_at": webhook["updated_at"], "failing_since": null,
        "next_probe_at": null, "disables_at": null, "held_count": 0,
    });
    assert_eq!(webhook, &defaults);
    let list = api.call(Method::GET, "/admin/webhooks.json", None).await?.json;
    let listed = list["webhooks"][0].as_object().into_iter().flat_map(|webhook| webhook.keys());
    assert!(listed.eq(keys[..keys.len() - 1].iter().copied()), "a list does not count: {list}");
    Ok(())
}

#[tokio::test]
async fn written_attributes_are_read_back_and_omitted_ones_stay() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let new = json!({
        "topic": "orders/create", "address": "https://a.example/", "format": "json", "fields": ["id", "näme"],
        "metafield_namespaces": ["shop"], "protocol": "webhook", "status": "paused",
        "custom_headers": {"X-Api-Key": "abc", "X-Another": "d e"},
    });
    let created = api.call(Method::POST, "/admin/webhooks.json", Some(json!({ "webhook": new }))).await?;
    let with = |base: &Value, changes: Value| {
        let mut webhook = base.clone();
        for (name, value) in changes.as_object().cloned().unwrap_or_default() {
            webhook[name] = value;
        }
        webhook
    };
    let webhook = &created.json["webhook"];
    let masked = json!({"custom_headers": {"X-Api-Key": "***", "X-Another": "***"}});
    assert_eq!(&with(&with(webhook, new), masked), webhook);
    let path = format!("/admin/webhooks/{}.json", webhook["id"]);
    let mut current = webhook.clone();
    for change in [
        json!({"address": "https://b.example/"}),
        json!({"topic": "orders/paid"}),
        json!({"status": "active"}),
        json!({"fields": []}),
        json!({"fields": ["id"], "metafield_namespaces": []}),
        json!({"custom_headers": {}}),
        json!({"format": null, "fields": null}),
        json!({"unknown": 7}),
        json!({}),
    ] {
        let response = api.call(Method::PUT, &path, Some(json!({ "webhook": change }))).await?;
        assert_eq!(response.status, StatusCode::OK, "{change}");
        let mut said = change.as_object().cloned().unwrap_or_default();
        said.retain(|name, value| !value.is_null() && name != "unknown");
        let mut expected = with(&current, Value::Object(said));
        expected["updated_at"] = response.json["webhook"]["updated_at"].clone();
        assert_eq!(response.json["webhook"], expected, "{change}");
        assert_eq!(api.call(Method::GET, &path, None).await?.json, response.json, "it is what is read");
        current = expected;
    }
    Ok(())
}

/// That the kept values are still sent is in `deliveries/arrival.rs`.
#[tokio::test]
async fn values_of_custom_headers_show_as_masks_that_keep_them_when_sent_back() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let new = json!({"topic": "orders/create", "address": "https://a.example/", "custom_headers": {"X-Key": "s3cret"}});
    let id = api.create_webhook_with(new).await?;
    let path = format!("/admin/webhooks/{id}.json");
    let shown = api.call(Method::GET, &path, None).await?.json;
    assert_eq!(shown["webhook"]["custom_headers"], json!({"X-Key": "***"}));
    let list = api.call(Method::GET, "/admin/webhooks.json", None).await?.json;
    assert_eq!(list["webhooks"][0]["custom_headers"], json!({"X-Key": "***"}));
    let same = api.call(Method::PUT, &path, Some(shown.clone())).await?.json;
    assert_eq!(same, shown, "a mask changes nothing, not even the time");
    for (headers, expected) in [
        (json!({"x-key": "***", "X-More": "1"}), Ok(json!({"x-key": "***", "X-More": "***"}))),
        (json!({"X-Other": "***"}), Err("has *** for X-Other, which has no value to keep")),
        (json!({"X-Key": " a"}), Err("has an invalid value for X-Key")),
        (json!({"X-Key": "é"}), Err("has an invalid value for X-Key")),
    ] {
        let change = json!({"webhook": {"custom_headers": headers}});
        let response = api.call(Method::PUT, &path, Some(change)).await?;
        match expected {
            Ok(headers) => assert_eq!(response.json["webhook"]["custom_headers"], headers),
            Err(error) => {
                assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{headers}");
                assert_eq!(response.json, json!({"errors": {"custom_headers": [error]}}));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_webhook_can_be_put_back_whole_and_the_id_of_the_path_wins() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let other = api.create_webhook("orders/paid", "https://a.example/").await?;
    let id = api.create_webhook("orders/create", "https://a.example/").await?;
    let path = format!("/admin/webhooks/{id}.json");
    let shown = api.call(Method::GET, &path, None).await?.json;
    let same = api.call(Method::PUT, &path, Some(shown.clone())).await?;
    assert_eq!(same.json, shown, "a change of nothing changes nothing, not even the time");

    let mut sent_back = shown.clone();
    sent_back["webhook"]["id"] = json!(other);
    sent_back["webhook"]["created_at"] = json!("1999-01-01T00:00:00Z");
    sent_back["webhook"]["updated_at"] = json!("nonsense");
    sent_back["webhook"]["address"] = json!("https://b.example/");
    let changed = api.call(Method::PUT, &path, Some(sent_back)).await?.json;
    assert_eq!(changed["webhook"]["id"], json!(id));
    assert_eq!(changed["webhook"]["address"], "https://b.example/");
    assert_eq!(changed["webhook"]["created_at"], shown["webhook"]["created_at"]);
    let other = api.call(Method::GET, &format!("/admin/webhooks/{other}.json"), None).await?.json;
    assert_eq!(other["webhook"]["address"], "https://a.example/");
    Ok(())
}

#[tokio::test]
async fn every_topic_alias_and_wildcard_is_accepted_and_shown_as_written() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let listed = catalogue::TOPICS.iter().map(|topic| topic.name);
    let others = ["webhooks/disabled", "orders/*", "*", "return:approved"];
    let aliases = catalogue::ALIASES.iter().map(|(alias, _)| *alias);
    let mut places = std::collections::BTreeSet::new();
    for topic in listed.chain(others).chain(aliases) {
        let id = api.create_webhook(topic, &format!("https://a.example/{topic}")).await?;
        let shown = api.call(Method::GET, &format!("/admin/webhooks/{id}.json?fields=topic"), None).await?;
        assert_eq!(shown.json, json!({"webhook": {"topic": topic}}));
        assert!(places.insert(id), "{topic} has an id of its own");
    }
    Ok(())
}

#[tokio::test]
async fn a_duplicate_is_found_in_every_spelling_of_its_topic() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", "https://a.example/").await?;
    let new = |topic: &str, address: &str| Some(json!({"webhook": {"topic": topic, "address": address}}));
    for (topic, address, status) in [
        ("orders/create", "https://a.example/", 422),
        ("order:new", "https://a.example/", 422),
        ("orders/*", "https://a.example/", 201),
        ("orders/create", "https://a.example", 201),
        ("orders/create", "https://a.example/2", 201),
    ] {
        let response = installed.api.call(Method::POST, "/admin/webhooks.json", new(topic, address)).await?;
        assert_eq!(response.status.as_u16(), status, "{topic} {address}");
        if status == 422 {
            let taken = json!({"errors": {"address": ["for this topic has already been taken"]}});
            assert_eq!(response.json, taken);
        }
    }
    let other = stack.install_on(&installed.shop, "other-app").await?.api;
    other.create_webhook("orders/create", "https://a.example/").await?;
    Ok(())
}

#[tokio::test]
async fn an_address_is_free_again_after_its_webhook_leaves_it() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let first = api.create_webhook("orders/create", "https://a.example/").await?;
    let second = api.create_webhook("orders/create", "https://b.example/").await?;
    let to = |address: &str| Some(json!({"webhook": {"address": address}}));
    let path = |id: u64| format!("/admin/webhooks/{id}.json");
    let taken = api.call(Method::PUT, &path(second), to("https://a.example/")).await?;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.call(Method::PUT, &path(first), to("https://c.example/")).await?.status, StatusCode::OK);
    assert_eq!(api.call(Method::PUT, &path(second), to("https://a.example/")).await?.status, StatusCode::OK);
    assert_eq!(api.call(Method::DELETE, &path(second), None).await?.status, StatusCode::OK);
    api.create_webhook("orders/create", "https://a.example/").await?;
    Ok(())
}
