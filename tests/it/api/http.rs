//! The admin API as HTTP has it: paths, methods, media types and sizes.

use anyhow::Result;
use reqwest::{Body, Method, StatusCode, header};
use serde_json::json;
use storehook_tests::Stack;

use super::{
    bad_input::{WEBHOOKS, nothing_is_stored},
    openapi::operations,
};

#[tokio::test]
async fn malformed_ids_are_404() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let body = Some(json!({"webhook": {"address": "https://b.example/"}}));
    let there = api.create_webhook("orders/create", "https://a.example/").await?;
    for id in [
        "0",
        "-1",
        "+1",
        "1e3",
        "1.0",
        "%D9%A3",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999",
        "%00",
        "%FF",
        "%20",
        "1%2F2",
        "{}%23x",
        "{}%3Fx",
        "{}%3Ffields=id",
        "{}%0A",
        "{} ",
        "count2",
        "..",
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let path = format!("/admin/webhooks/{}.json", id.replace("{}", &there.to_string()));
            let response = api.call(method.clone(), &path, body.clone()).await?;
            let expected = (StatusCode::NOT_FOUND, json!({"errors": "Not Found"}));
            assert_eq!((response.status, response.json), expected, "{method} {path}");
        }
    }
    let left = api.call(Method::GET, "/admin/webhooks.json?fields=id,address", None).await?;
    assert_eq!(left.json, json!({"webhooks": [{"id": there, "address": "https://a.example/"}]}));
    Ok(())
}

/// API Gateway decodes the path that it hands on: what a client has encoded must not end it.
#[tokio::test]
async fn paths_decoded_by_the_gateway_name_no_other_resource() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "https://a.example/").await?;
    for (path, status) in [
        (format!("/admin/webhooks/{id}.json"), 200),
        (format!("/admin/webhooks/{id}#x.json"), 404),
        (format!("/admin/webhooks/{id}?x.json"), 404),
        (format!("/admin/webhooks/{id}?x"), 404),
        (format!("/admin/webhooks/{id} "), 404),
        (format!("/admin/webhooks/{id}\u{0}"), 404),
        ("/admin/webhooks/\u{663}".to_owned(), 404),
    ] {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "fields=id",
            "headers": {"authorization": format!("Bearer {}", installed.token), "host": "a.example"},
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "a.example", "domainPrefix": "a", "requestId": "r",
                "routeKey": "$default", "stage": "$default", "time": "22/Nov/2026:00:00:00 +0000", "timeEpoch": 0,
                "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t"},
            },
            "isBase64Encoded": false,
        });
        let (response, _) = stack.invoke("admin-api", &event).await?;
        assert_eq!(response["statusCode"], json!(status), "{path:?}: {response}");
        if status == 200 {
            assert_eq!(response["body"], json!({"webhook": {"id": id}}).to_string(), "the query is read");
        }
    }
    Ok(())
}

#[tokio::test]
async fn unknown_paths_are_404_and_unknown_methods_405() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    for path in [
        "/",
        "/admin",
        "/webhooks.json",
        "/admin/hooks.json",
        "/admin/webhooks/1/2.json",
        "/api/latest/webhooks.json",
    ] {
        let response = api.call(Method::GET, path, None).await?;
        assert_eq!(
            (response.status, response.json),
            (StatusCode::NOT_FOUND, json!({"errors": "Not Found"})),
            "{path}"
        );
    }
    let operations = operations()?;
    for (_, path) in &operations {
        let allowed: Vec<_> =
            operations.iter().filter(|(_, other)| other == path).map(|(method, _)| method.clone()).collect();
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if allowed.contains(&method) {
                continue;
            }
            let response = api.call(method.clone(), &path.replace("{id}", "1"), None).await?;
            let expected = (StatusCode::METHOD_NOT_ALLOWED, json!({"errors": "Method Not Allowed"}));
            assert_eq!((response.status, response.json.clone()), expected, "{method} {path}");
            assert_eq!(response.header("x-shopify-shop-api-call-limit"), "", "it is no call of a route");
            let told = response.header("allow");
            for method in &allowed {
                assert!(told.split(',').any(|told| told.trim() == method.as_str()), "{path}: {told}");
            }
        }
    }
    nothing_is_stored(&api).await
}

#[tokio::test]
async fn unacceptable_responses_are_406_and_bodies_of_other_types_415() -> Result<()> {
    let api = Stack::shared().await?.install().await?;
    let (token, api) = (api.token, api.api);
    let request = |method| api.request(method, WEBHOOKS).bearer_auth(&token);
    for (accept, status) in
        [("*/*", 200), ("application/json; charset=utf-8", 200), ("text/html", 406), ("application/xml", 406)]
    {
        let response = api.send(request(Method::GET).header(header::ACCEPT, accept)).await?;
        assert_eq!(response.status.as_u16(), status, "{accept}");
        if status == 406 {
            assert_eq!(response.json, json!({"errors": "Not Acceptable: responses are application/json"}));
        }
    }
    let body = r#"{"webhook": {"topic": "orders/create"}}"#;
    for (name, value, status) in [
        (header::CONTENT_TYPE, "application/json; charset=utf-8", 422),
        (header::CONTENT_TYPE, "application/x-www-form-urlencoded", 415),
        (header::CONTENT_TYPE, "text/plain", 415),
        (header::CONTENT_TYPE, "application/xml", 415),
        (header::CONTENT_ENCODING, "gzip", 415),
    ] {
        let response = api.send(request(Method::POST).header(name, value).body(body)).await?;
        assert_eq!(response.status.as_u16(), status, "{value}");
        if status == 415 {
            assert_eq!(
                response.json,
                json!({"errors": "Unsupported Media Type: bodies are application/json"})
            );
            assert_eq!(response.header("accept"), "application/json");
        }
    }
    let unsaid = api.send(request(Method::POST).body(body)).await?;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY, "a body that does not say what it is");
    nothing_is_stored(&api).await
}

#[tokio::test]
async fn bodies_over_one_mebibyte_are_413() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let of_length = |length: usize| {
        let body = json!({"webhook": {"topic": "orders/create", "note": ""}}).to_string();
        body.replace(r#""note":"""#, &format!(r#""note":"{}""#, "x".repeat(length - body.len())))
    };
    const LIMIT: usize = 1024 * 1024;
    for (length, status) in [(LIMIT, 422), (LIMIT + 1, 413), (6 * LIMIT, 413)] {
        let body = of_length(length);
        assert_eq!(body.len(), length);
        let response = api.call_raw(Method::POST, WEBHOOKS, Some(Body::from(body))).await?;
        assert_eq!(response.status.as_u16(), status, "{length} bytes");
        if status == 413 {
            assert_eq!(response.json, json!({"errors": "Payload Too Large"}));
        }
    }
    nothing_is_stored(&api).await
}
