//! Malformed requests: the admin API responds with a 4xx that says what is wrong, and stores
//! nothing.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_domain::event::catalogue;
use storehook_tests::{Api, DirectApi, Stack};

pub(crate) const WEBHOOKS: &str = "/admin/webhooks.json";

pub(crate) async fn nothing_is_stored(api: &Api) -> Result<()> {
    assert_eq!(api.call(Method::GET, "/admin/webhooks/count.json", None).await?.json, json!({"count": 0}));
    Ok(())
}

#[tokio::test]
async fn malformed_bodies_are_400() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let api = stack.install().await?.api;
    let nested =
        |depth: usize| format!(r#"{{"webhook": {{"fields": {}{}}}}}"#, "[".repeat(depth), "]".repeat(depth));
    for body in [
        b"".to_vec(),
        b"no json".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"7".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        br#"{"webhooks": {}}"#.to_vec(),
        br#"{"webhook": null}"#.to_vec(),
        br#"{"webhook": 7}"#.to_vec(),
        br#"{"webhook": [{"topic": "orders/create"}]}"#.to_vec(),
        br#"{"webhook": "topic"}"#.to_vec(),
        br#"{"webhook": {"topic": "\ud800"}}"#.to_vec(),
        br#"{"webhook": {"topic": "\udc00\ud800"}}"#.to_vec(),
        b"{\"webhook\": {\"topic\": \"a\0b\"}}".to_vec(),
        b"topic=orders/create&address=https://a.example/".to_vec(),
        br#"{"webhook": {"topic": NaN}}"#.to_vec(),
        br#"{"webhook": {"topic": "orders/create",}}"#.to_vec(),
        nested(200).into_bytes(),
        nested(100_000).into_bytes(),
        "[".repeat(500_000).into_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let response = api.call_raw(Method::POST, WEBHOOKS, Some(body)).await?;
        let errors = json!({"errors": {"webhook": "Required parameter missing or invalid"}});
        assert_eq!((response.status, response.json), (StatusCode::BAD_REQUEST, errors), "{shown}");
    }
    // The emulator's gateway makes UTF-8 of everything; what AWS hands on as it is goes past it
    // here.
    let mut direct = DirectApi::on(&stack, "0").await?;
    let not_unicode = b"{\"webhook\": {\"topic\": \"\xff\xfe\"}}".to_vec();
    let past_it = api.at(&direct.url);
    let (response, _) = direct.observe(past_it.call_raw(Method::POST, WEBHOOKS, Some(not_unicode))).await?;
    assert_eq!(response.status, StatusCode::BAD_REQUEST);
    nothing_is_stored(&api).await
}

#[tokio::test]
async fn one_422_names_every_wrong_field() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let topics = catalogue::not_allowed_message();
    let list = "must be a list of strings without control characters";
    let not_in_list = json!(["is not included in the list"]);
    let too_long = format!("https://a.example/{}", "x".repeat(2_048));
    for (webhook, errors) in [
        (json!({}), json!({"topic": ["can't be blank", topics], "address": ["can't be blank"]})),
        (
            json!({"topic": " \t\n", "address": "\u{a0} "}),
            json!({"topic": ["can't be blank", topics], "address": ["can't be blank"]}),
        ),
        (
            json!({
                "topic": {}, "address": ["https://a.example/"], "format": 7, "fields": 7, "protocol": {},
                "metafield_namespaces": {"a": 1}, "status": true, "custom_headers": "X-A: b",
            }),
            json!({
                "topic": ["is invalid"], "address": ["is invalid"], "format": not_in_list, "fields": [list],
                "protocol": not_in_list, "metafield_namespaces": [list], "status": not_in_list,
                "custom_headers": ["must be an object of header names and values"],
            }),
        ),
        (
            json!({
                "topic": "orders/exploded", "address": "ftp://a.example/", "format": "yaml", "protocol": "smtp",
                "status": "disabled", "fields": [7], "metafield_namespaces": ["a\u{0}b"],
                "custom_headers": {"Host": "b"},
            }),
            json!({
                "topic": [topics], "address": ["protocol ftp:// is not supported"], "format": not_in_list,
                "protocol": not_in_list, "status": not_in_list, "fields": [list], "metafield_namespaces": [list],
                "custom_headers": ["may not set Host"],
            }),
        ),
        (
            json!({
                "topic": "orders/create", "address": "https://a.example/", "fields": vec!["x"; 1_000],
                "metafield_namespaces": ["x".repeat(2_048)], "custom_headers": {"X".repeat(60_000): "a"},
            }),
            json!({
                "fields": ["is too long (maximum is 2048 bytes of JSON)"],
                "metafield_namespaces": ["is too long (maximum is 2048 bytes of JSON)"],
                "custom_headers": ["is too long (maximum is 3072 bytes of JSON)"],
            }),
        ),
        (
            json!({"topic": "orders/create\u{0}", "address": too_long}),
            json!({"topic": [topics], "address": ["is too long (maximum is 2048 characters)"]}),
        ),
        (
            json!({"topic": "ORDERS/CREATE", "address": "https://user:word@a.example/"}),
            json!({"topic": [topics], "address": ["is invalid"]}),
        ),
        (
            json!({"topic": "orders/create", "address": "https://a.example\u{0}/"}),
            json!({"address": ["is invalid"]}),
        ),
        (
            json!({"topic": "orders/create", "address": "http://a.example/a/%2e%2e/b?sig=it's%2B1&x=a+b"}),
            json!({"address": ["would become http://a.example/b?sig=it%27s%2B1&x=a+b"]}),
        ),
        (
            json!({"topic": "orders/create", "address": "https://a.example/#part"}),
            json!({"address": ["is invalid"]}),
        ),
        (json!({"topic": "orders/create", "address": "/hook"}), json!({"address": ["is invalid"]})),
        (
            json!({"topic": "orders/create", "address": "http://169.254.169.254/latest"}),
            json!({"address": ["is not allowed"]}),
        ),
        (
            json!({"topic": "orders/create", "address": "http://[::ffff:10.0.0.1]/"}),
            json!({"address": ["is not allowed"]}),
        ),
    ] {
        let response = api.call(Method::POST, WEBHOOKS, Some(json!({ "webhook": webhook }))).await?;
        let expected = json!({ "errors": errors });
        assert_eq!(
            (response.status, response.json),
            (StatusCode::UNPROCESSABLE_ENTITY, expected),
            "{webhook}"
        );
    }
    nothing_is_stored(&api).await
}

#[tokio::test]
async fn the_local_stack_names_the_option_that_opens_a_network() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let webhook = json!({"webhook": {"topic": "orders/create", "address": "http://172.17.0.1:9000/"}});
    let response = api.call(Method::POST, WEBHOOKS, Some(webhook)).await?;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    let hint = "start the stack with `local --allow CIDR` to open its network";
    assert_eq!(response.json, json!({"errors": {"address": ["is not allowed", hint]}}));
    Ok(())
}

#[tokio::test]
async fn updates_follow_the_rules_of_creation_and_change_nothing_when_refused() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let id = api.create_webhook("orders/create", "https://a.example/").await?;
    api.create_webhook("orders/create", "https://b.example/").await?;
    let path = format!("/admin/webhooks/{id}.json");
    let before = api.call(Method::GET, WEBHOOKS, None).await?.json;
    for (webhook, errors) in [
        (
            json!({"topic": "", "address": null, "fields": [1]}),
            json!({
                "topic": ["can't be blank", catalogue::not_allowed_message()], "address": ["can't be blank"],
                "fields": ["must be a list of strings without control characters"],
            }),
        ),
        (
            json!({"address": "https://b.example/"}),
            json!({"address": ["for this topic has already been taken"]}),
        ),
        (json!({"status": "disabled"}), json!({"status": ["is not included in the list"]})),
    ] {
        let response = api.call(Method::PUT, &path, Some(json!({ "webhook": webhook }))).await?;
        let expected = json!({ "errors": errors });
        assert_eq!(
            (response.status, response.json),
            (StatusCode::UNPROCESSABLE_ENTITY, expected),
            "{webhook}"
        );
    }
    assert_eq!(api.call(Method::GET, WEBHOOKS, None).await?.json, before);
    Ok(())
}

#[tokio::test]
async fn malformed_parameters_are_400_and_named() -> Result<()> {
    let api = Stack::with_direct_api().await?.install().await?.api;
    let (limit, page) = (json!(["must be between 1 and 250"]), json!(["must be 1 or greater"]));
    let since_id = json!(["must be a whole number"]);
    let time = json!(["must be an ISO 8601 date and time with an offset, or a date"]);
    let once = json!(["may be given only once"]);
    let topic = json!([catalogue::not_allowed_message()]);
    for (path, errors) in [
        ("/admin/webhooks.json?limit=0", json!({"limit": limit})),
        ("/admin/webhooks.json?limit=251", json!({"limit": limit})),
        ("/admin/webhooks.json?limit=", json!({"limit": limit})),
        ("/admin/webhooks.json?limit=1e1", json!({"limit": limit})),
        ("/admin/webhooks.json?limit=%D9%A3", json!({"limit": limit})),
        ("/admin/webhooks.json?limit=1%00", json!({"limit": limit})),
        ("/admin/webhooks.json?limit=1&limit=2", json!({"limit": once})),
        ("/admin/webhooks.json?page=0&limit=-1", json!({"limit": limit, "page": page})),
        ("/admin/webhooks.json?since_id=-1", json!({"since_id": since_id})),
        ("/admin/webhooks.json?since_id=1e3", json!({"since_id": since_id})),
        ("/admin/webhooks.json?since_id=%D9%A3", json!({"since_id": since_id})),
        ("/admin/webhooks.json?created_at_min=yesterday", json!({"created_at_min": time})),
        ("/admin/webhooks.json?created_at_max=1", json!({"created_at_max": time})),
        ("/admin/webhooks.json?created_at_min=%222014-04-25%22", json!({"created_at_min": time})),
        (
            "/admin/webhooks.json?created_at_min=%222014-04-25+16:15:47+-0400%22",
            json!({"created_at_min": time}),
        ),
        ("/admin/webhooks.json?page_info=x", json!({"page_info": ["is invalid"]})),
        ("/admin/webhooks.json?updated_at_min=2014-04-25T16:15:47", json!({"updated_at_min": time})),
        ("/admin/webhooks.json?updated_at_max=2014-13-25T16:15:47Z", json!({"updated_at_max": time})),
        ("/admin/webhooks.json?topic=orders/exploded", json!({"topic": topic})),
        ("/admin/webhooks.json?address=nowhere", json!({"address": ["is invalid"]})),
        ("/admin/webhooks.json?fields=id&fields=topic", json!({"fields": once})),
        ("/admin/webhooks/count.json?topic=a&address=b", json!({"topic": topic, "address": ["is invalid"]})),
        ("/admin/webhooks/count.json?topic=*&topic=*", json!({"topic": once})),
        ("/admin/webhooks/1.json?fields=id&fields=topic", json!({"fields": once})),
    ] {
        let response = api.call(Method::GET, path, None).await?;
        let expected = json!({ "errors": errors });
        assert_eq!((response.status, response.json), (StatusCode::BAD_REQUEST, expected), "{path}");
    }
    Ok(())
}
