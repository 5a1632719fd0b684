//! The admin API, by the wire.

use anyhow::Result;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_domain::catalogue;
use storehook_tests::Stack;

#[tokio::test]
async fn a_webhook_is_created_shown_listed_counted_changed_and_deleted() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let new = json!({"webhook": {"topic": "orders/create", "address": "http://whatever.hostname.com/", "format": "json"}});
    let created = api.call(Method::POST, "/admin/webhooks.json", Some(new)).await?;
    assert_eq!(created.status, StatusCode::CREATED);
    assert!(created.headers.contains_key("x-request-id"));
    let webhook = &created.json["webhook"];
    let keys: Vec<_> = webhook.as_object().into_iter().flat_map(|webhook| webhook.keys()).collect();
    assert_eq!(
        keys,
        [
            "id",
            "address",
            "topic",
            "created_at",
            "updated_at",
            "format",
            "fields",
            "metafield_namespaces",
            "protocol",
            "status",
            "custom_headers",
        ]
    );
    assert_eq!(webhook["address"], "http://whatever.hostname.com/");
    assert_eq!((&webhook["fields"], &webhook["metafield_namespaces"]), (&json!([]), &json!([])));
    let created_at = webhook["created_at"].as_str().unwrap_or_default();
    assert!(
        created_at.ends_with("-05:00") || created_at.ends_with("-04:00"),
        "New York's time: {created_at}"
    );

    let path = format!("/admin/webhooks/{}.json", webhook["id"]);
    assert_eq!(api.call(Method::GET, &path, None).await?.json, created.json);
    assert_eq!(api.call(Method::GET, "/api/webhooks", None).await?.json, json!({"webhooks": [webhook]}));
    let count =
        api.call(Method::GET, "/admin/api/2024-10/webhooks/count.json?topic=orders/create", None).await?;
    assert_eq!(count.json, json!({"count": 1}));
    assert_eq!(
        api.call(Method::GET, "/admin/webhooks/count.json?topic=orders/paid", None).await?.json,
        json!({"count": 0})
    );

    // A client that sends every attribute back changes what it changed, and the path's id wins.
    let mut sent_back = webhook.clone();
    sent_back["id"] = json!(1);
    sent_back["address"] = json!("http://somewhere-else.com/");
    let changed = api.call(Method::PUT, &path, Some(json!({"webhook": sent_back}))).await?;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(changed.json["webhook"]["id"], webhook["id"]);
    assert_eq!(changed.json["webhook"]["address"], "http://somewhere-else.com/");
    assert_eq!(changed.json["webhook"]["created_at"], webhook["created_at"]);

    let deleted = api.call(Method::DELETE, &path, None).await?;
    assert_eq!((deleted.status, deleted.json), (StatusCode::OK, json!({})));
    assert_eq!(api.call(Method::GET, &path, None).await?.status, StatusCode::NOT_FOUND);
    assert_eq!(api.call(Method::GET, "/admin/webhooks/count.json", None).await?.json, json!({"count": 0}));
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_answered_in_the_words_of_the_api() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let taken = json!({"webhook": {"topic": "orders/create", "address": "https://a.example/"}});
    assert_eq!(
        api.call(Method::POST, "/admin/webhooks.json", Some(taken.clone())).await?.status,
        StatusCode::CREATED
    );
    let blank =
        json!({"topic": ["can't be blank", catalogue::not_allowed_message()], "address": ["can't be blank"]});
    let lacks = json!({"webhook": "Required parameter missing or invalid"});
    for (method, path, body, status, errors) in [
        (
            Method::POST,
            "/admin/webhooks.json",
            Some(r#"{"webhook": {"body": "foobar"}}"#.to_owned()),
            422,
            blank,
        ),
        (
            Method::POST,
            "/admin/webhooks.json",
            Some(taken.to_string()),
            422,
            json!({"address": ["for this topic has already been taken"]}),
        ),
        (Method::POST, "/admin/webhooks.json", Some("no json".to_owned()), 400, lacks.clone()),
        (Method::POST, "/admin/webhooks.json", Some(r#"{"webhook": 7}"#.to_owned()), 400, lacks),
        (
            Method::GET,
            "/admin/webhooks.json?limit=251",
            None,
            400,
            json!({"limit": ["must be between 1 and 250"]}),
        ),
        (Method::GET, "/admin/webhooks/18446744073709551615.json", None, 404, json!("Not Found")),
        (Method::GET, "/admin/webhooks/1e3.json", None, 404, json!("Not Found")),
        (Method::GET, "/admin/unknown.json", None, 404, json!("Not Found")),
        (Method::PATCH, "/admin/webhooks.json", None, 405, json!("Method Not Allowed")),
    ] {
        let answer = api.call_raw(method.clone(), path, body).await?;
        assert_eq!(
            (answer.status.as_u16(), &answer.json),
            (status, &json!({"errors": errors})),
            "{method} {path}"
        );
    }
    let stranger = api.with_token("shtk_wrong");
    let answer = stranger.call(Method::GET, "/admin/webhooks.json", None).await?;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let text = "[API] Invalid API key or access token (unrecognized login or wrong password)";
    assert_eq!(answer.json, json!({"errors": text}));
    Ok(())
}

#[tokio::test]
async fn an_app_sees_its_own_webhooks_and_nobody_elses() -> Result<()> {
    let stack = Stack::shared().await?;
    let owner = stack.install().await?;
    let other_app = stack.install_on(&owner.shop, "other-app").await?;
    let other_shop = stack.install().await?;
    let id = owner.api.create_webhook("orders/create", "https://a.example/").await?;
    let path = format!("/admin/webhooks/{id}.json");
    for stranger in [&other_app.api, &other_shop.api] {
        for (method, body) in [
            (Method::GET, None),
            (Method::PUT, Some(json!({"webhook": {"address": "https://b.example/"}}))),
            (Method::DELETE, None),
        ] {
            let answer = stranger.call(method, &path, body).await?;
            assert_eq!((answer.status, answer.json), (StatusCode::NOT_FOUND, json!({"errors": "Not Found"})));
        }
        assert_eq!(
            stranger.call(Method::GET, "/admin/webhooks.json", None).await?.json,
            json!({"webhooks": []})
        );
        assert_eq!(
            stranger.call(Method::GET, "/admin/webhooks/count.json", None).await?.json,
            json!({"count": 0})
        );
    }
    assert_eq!(owner.api.call(Method::GET, &path, None).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn lists_are_paged_by_ascending_id() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(api.create_webhook("orders/create", &format!("https://a.example/{number}")).await?);
    }
    assert!(ids.is_sorted());
    for (query, expected) in [
        (String::new(), &ids[..]),
        ("?limit=2".to_owned(), &ids[..2]),
        ("?limit=2&page=3".to_owned(), &ids[4..]),
        ("?limit=2&page=4".to_owned(), &[]),
        (format!("?since_id={}", ids[2]), &ids[3..]),
        (format!("?since_id={}", u64::MAX), &[]),
        ("?address=https://a.example/3".to_owned(), &ids[3..4]),
        ("?topic=order:new&limit=1".to_owned(), &ids[..1]),
        ("?created_at_min=2200-01-01T00:00:00Z".to_owned(), &[]),
    ] {
        let answer = api
            .call(
                Method::GET,
                &format!("/admin/webhooks.json{query}&fields=id").replace("json&", "json?"),
                None,
            )
            .await?;
        let listed: Vec<_> = expected.iter().map(|id| json!({"id": id})).collect();
        assert_eq!(answer.json, json!({"webhooks": listed}), "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn of_many_same_webhooks_created_at_once_one_is_created() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let new = json!({"webhook": {"topic": "orders/create", "address": "https://a.example/"}});
    let creations = (0..20).map(|_| api.call(Method::POST, "/admin/webhooks.json", Some(new.clone())));
    let statuses: Vec<_> = join_all(creations)
        .await
        .into_iter()
        .map(|answer| answer.map(|answer| answer.status.as_u16()))
        .collect::<Result<_>>()?;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 19, "{statuses:?}");
    assert_eq!(api.call(Method::GET, "/admin/webhooks/count.json", None).await?.json, json!({"count": 1}));
    Ok(())
}

#[tokio::test]
async fn a_place_that_was_left_can_be_taken_again() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
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
