//! Who may call the admin API.

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_aws::registry::TokenItem;
use storehook_domain::{
    history::state::DeliveryState,
    installation::{Scope, token::TokenHash},
};
use storehook_tests::{DirectApi, Stack};

use crate::api::openapi::operations;

const LIST: &str = "/admin/webhooks.json";

#[tokio::test]
async fn credentials_are_accepted_in_four_forms_and_anything_else_is_401() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let (api, token) = (&installed.api, &installed.token);
    let basic = |text: String| format!("Basic {}", STANDARD.encode(text));
    for (name, value, status) in [
        ("authorization", format!("Bearer {token}"), 200),
        ("x-spiffy-stores-access-token", token.clone(), 200),
        ("x-shopify-access-token", token.clone(), 200),
        ("authorization", basic(format!("api_key:{token}")), 200),
        ("authorization", basic(format!(":{token}")), 200),
        ("authorization", "Bearer shtk_wrong".to_owned(), 401),
        ("authorization", format!("Bearer {token}x"), 401),
        ("authorization", basic(token.clone()), 401),
        ("authorization", "Basic %%%".to_owned(), 401),
        ("authorization", token.clone(), 401),
        ("authorization", "Bearer".to_owned(), 401),
        ("x-shopify-access-token", String::new(), 401),
        ("x-unknown", token.clone(), 401),
    ] {
        let response = api.send(api.request(Method::GET, LIST).header(name, &value)).await?;
        assert_eq!(response.status.as_u16(), status, "{name}: {value}");
        if status == 200 {
            assert_eq!(
                response.header("cache-control"),
                "no-store",
                "whoever keeps it might show it to others"
            );
        }
        if status == 401 {
            let text = "[API] Invalid API key or access token (unrecognized login or wrong password)";
            assert_eq!(response.json, json!({"errors": text}));
            assert_eq!(response.header("www-authenticate"), r#"Bearer realm="storehook""#);
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_can_be_no_token_is_401_without_a_read() -> Result<()> {
    let stack = Stack::shared().await?;
    let api = stack.install().await?.api;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let long = "a".repeat(10 * 1024);
    for (token, calls) in [
        ("shtk_wrong", &["GetItem"][..]),
        ("wrong", &[]),
        ("shtk_", &[]),
        ("shtk_a.b", &[]),
        (&long, &[]),
        (&format!("shtk_{long}"), &[]),
    ] {
        let api = api.with_token(token).at(&direct.url);
        let (response, made) = direct.observe(api.call(Method::GET, LIST, None)).await?;
        assert_eq!(
            (response.status, &made[..]),
            (StatusCode::UNAUTHORIZED, &to_strings(calls)[..]),
            "{token}"
        );
    }
    Ok(())
}

fn to_strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn a_token_without_the_scope_is_403() -> Result<()> {
    let stack = Stack::shared().await?;
    let pushes = stack.install_with(&[Scope::EventsPush]).await?.api;
    let is_of_webhooks = |path: &str| path.starts_with("/admin") && path != "/admin/events.json";
    for (method, path) in operations()?.iter().filter(|(_, path)| is_of_webhooks(path)) {
        let response = pushes.call(method.clone(), &path.replace("{id}", "1"), None).await?;
        let text = "[API] The access token lacks the scope webhooks";
        assert_eq!(
            (response.status, response.json),
            (StatusCode::FORBIDDEN, json!({"errors": text})),
            "{path}"
        );
    }
    let manages = stack.install_with(&[Scope::Webhooks]).await?.api;
    let pushed = manages.call(Method::POST, "/admin/events.json", Some(json!({}))).await?;
    let text = "[API] The access token lacks the scope events:push";
    assert_eq!((pushed.status, pushed.json), (StatusCode::FORBIDDEN, json!({"errors": text})));
    assert_eq!(manages.call(Method::GET, LIST, None).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn every_response_has_a_request_id_of_its_own() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let wrong = api.with_token("shtk_wrong");
    let mut ids = Vec::new();
    for (api, method, path, status) in [
        (&api, Method::GET, LIST, 200),
        (&api, Method::GET, "/openapi.json", 200),
        (&api, Method::POST, LIST, 400),
        (&wrong, Method::GET, LIST, 401),
        (&api, Method::GET, "/admin/webhooks/1.json", 404),
        (&api, Method::GET, "/nowhere", 404),
        (&api, Method::PATCH, LIST, 405),
    ] {
        let response = api.call(method, path, None).await?;
        assert_eq!(response.status.as_u16(), status, "{path}");
        ids.push(response.header("x-request-id").to_owned());
    }
    assert!(ids.iter().all(|id| !id.is_empty()), "{ids:?}");
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    Ok(())
}

/// For every route with an id: a token of another app or shop gets the very response that a missing
/// id gets, by the very same calls of DynamoDB.
#[tokio::test]
async fn webhooks_of_others_are_404_exactly_like_missing_ones() -> Result<()> {
    let stack = Stack::shared().await?;
    let owner = stack.install().await?;
    let strangers = [stack.install_on(&owner.shop, "other-app").await?, stack.install().await?];
    let id = owner.api.create_webhook("orders/create", "https://a.example/").await?;
    stack.have_delivered(&owner, id, &[("e-1", storehook_aws::now(), DeliveryState::Dead)]).await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let body = Some(json!({"webhook": {"address": "https://b.example/"}, "replay": {"state": "all"}}));
    let routes: Vec<_> = operations()?.into_iter().filter(|(_, path)| path.contains("{id}")).collect();
    assert_eq!(routes.len(), 12);
    for (method, path) in routes {
        for stranger in &strangers {
            let mut seen = Vec::new();
            for id in [id, u64::MAX] {
                // A delivery is named after its webhook.
                let path = path.replace("deliveries/{id}", "deliveries/{id}-e-1");
                let path = path.replace("{replay_id}", "r-1").replace("{id}", &id.to_string());
                let response = stranger.api.call(method.clone(), &path, body.clone()).await?;
                assert_eq!(response.status, StatusCode::NOT_FOUND, "{method} {path}");
                assert_eq!(response.json, json!({"errors": "Not Found"}));
                let api = stranger.api.at(&direct.url);
                let (_, calls) = direct.observe(api.call(method.clone(), &path, body.clone())).await?;
                let mut headers: Vec<_> = response.headers.keys().map(ToString::to_string).collect();
                headers.sort();
                seen.push((headers, calls));
            }
            assert_eq!(seen[0], seen[1], "{method} {path}");
            assert_eq!(seen[0].1, ["GetItem", "GetItem"], "the token, and what is not the caller's");
        }
    }
    let found = owner.api.call(Method::GET, &format!("/admin/webhooks/{id}.json"), None).await?;
    assert_eq!(found.json["webhook"]["address"], "https://a.example/", "nobody changed it");
    for stranger in strangers {
        for (path, nothing) in
            [(LIST, json!({"webhooks": []})), ("/admin/webhooks/count.json", json!({"count": 0}))]
        {
            assert_eq!(stranger.api.call(Method::GET, path, None).await?.json, nothing);
        }
    }
    Ok(())
}

#[tokio::test]
async fn internal_errors_leak_no_details() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let key = TokenItem::key_of(&TokenHash::of(&installed.token));
    // A bug, or somebody who edits the table, may leave an item that cannot be read.
    let break_it = client.update_item().table_name(stack.resource("registry")).set_key(Some(key));
    break_it.update_expression("REMOVE shop").send().await?;
    let response = installed.api.call(Method::GET, LIST, None).await?;
    assert_eq!(response.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.json, json!({"errors": "Internal Server Error"}));
    assert_ne!(response.header("x-request-id"), "");
    Ok(())
}
