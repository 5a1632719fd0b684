//! Tests of what every request passes through: its token, the count of its calls, its media types
//! and its size.

use axum::{body::Body, http::StatusCode};
use serde_json::{Value, json};
use storehook_aws::stand_in::logged;

use crate::stand_in::{Answer, Api, TestResult};

const LIST: &str = "GET /admin/webhooks";

async fn get(api: &Api, headers: &[(&str, &str)]) -> Result<Answer, Box<dyn std::error::Error>> {
    api.send_with(LIST, headers, Body::empty()).await
}

#[tokio::test]
async fn a_request_needs_a_known_token() -> TestResult {
    let api = Api::start().await?;
    for headers in [&[][..], &[("authorization", "Bearer shtk_unknown")]] {
        let (status, headers, _) = get(&api, headers).await?;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(headers["www-authenticate"], "Bearer realm=\"storehook\"");
    }
    let (status, headers, body) = get(&api, &[("authorization", "Bearer shtk_t")]).await?;
    assert_eq!((status, body), (StatusCode::OK, json!({"webhooks": []})));
    assert_eq!(headers["cache-control"], "no-store");
    assert!(!headers.contains_key("x-shopify-shop-api-call-limit"), "calls are not limited");
    Ok(())
}

/// Whoever is not admitted must cost little.
#[tokio::test]
async fn what_can_be_no_token_costs_no_read() -> TestResult {
    let api = Api::start().await?;
    let long = format!("shtk_{}", "a".repeat(124));
    for headers in [
        ("authorization", "Bearer password"),
        ("authorization", "Bearer shtk_a b"),
        ("authorization", "Basic a2V5OmFiYw=="),
        ("x-spiffy-stores-access-token", "shpat_0123456789abcdef"),
        ("x-shopify-access-token", &long),
        ("x-shopify-access-token", "shtk_"),
    ] {
        for request in [LIST, "POST /events"] {
            let (status, ..) = api.send_with(request, &[headers], Body::empty()).await?;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{headers:?}");
        }
    }
    assert!(api.calls("GetItem").is_empty());
    get(&api, &[("authorization", "Bearer shtk_unknown")]).await?;
    assert_eq!(api.calls("GetItem").len(), 1, "what may be one is looked up");
    Ok(())
}

#[tokio::test]
async fn a_token_needs_the_scope_of_the_route() -> TestResult {
    for (scope, listed, pushed) in [
        ("webhooks", StatusCode::OK, StatusCode::FORBIDDEN),
        ("events:push", StatusCode::FORBIDDEN, StatusCode::ACCEPTED),
    ] {
        let api = Api::start().await?;
        let mut token = api.item("TOKEN").ok_or("no token")?;
        token["scopes"] = json!({"L": [{"S": scope}]});
        api.put_json(token);
        let (status, ..) = api.send(LIST, Value::Null).await?;
        assert_eq!(status, listed, "{scope}");
        let (status, ..) = api.send("POST /events", json!({"topic": "orders/create", "payload": {}})).await?;
        assert_eq!(status, pushed, "{scope}");
    }
    Ok(())
}

/// A bucket of forty calls that leaks two a second.
#[tokio::test]
async fn a_response_tells_the_level_of_the_bucket() -> TestResult {
    let api = Api::with(&[]).await?;
    let mut token = api.item("TOKEN").ok_or("no token")?;
    let in_seconds = |seconds: i64| (storehook_aws::now().as_microsecond() + seconds * 1_000_000).to_string();
    token["bucket_empty_at"] = json!({"N": in_seconds(5)});
    api.reply("UpdateItem", json!({"Attributes": token}));
    let (status, headers, _) = api.send(LIST, Value::Null).await?;
    assert_eq!(status, StatusCode::OK);
    for name in ["x-spiffy-stores-api-call-limit", "x-shopify-shop-api-call-limit"] {
        assert_eq!(headers[name], "10/40", "{name}");
    }
    // Other calls came first: the bucket is full by now.
    token["bucket_empty_at"] = json!({"N": in_seconds(60)});
    api.refuse("UpdateItem", token);
    let (status, headers, _) = api.send(LIST, Value::Null).await?;
    assert_eq!(
        (status, &headers["x-shopify-shop-api-call-limit"]),
        (StatusCode::TOO_MANY_REQUESTS, &"40/40".parse()?)
    );
    let seconds: i64 = headers["retry-after"].to_str()?.parse()?;
    assert!((1..=41).contains(&seconds), "{seconds}");
    Ok(())
}

/// A revoked token must not come back as an item with nothing but a bucket.
#[tokio::test]
async fn a_token_that_is_revoked_meanwhile_is_refused() -> TestResult {
    let api = Api::with(&[]).await?;
    api.refuse("UpdateItem", Value::Null);
    let (status, headers, _) = api.send(LIST, Value::Null).await?;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(!headers.contains_key("x-shopify-shop-api-call-limit"));
    Ok(())
}

#[tokio::test]
async fn json_is_spoken_both_ways() -> TestResult {
    let api = Api::start().await?;
    let token = ("x-shopify-access-token", "shtk_t");
    let (html, text) = (("accept", "text/html"), ("content-type", "text/plain"));
    for (request, header, status) in [
        (LIST, html, StatusCode::NOT_ACCEPTABLE),
        // A request without a body may say anything about it.
        (LIST, text, StatusCode::OK),
        ("DELETE /admin/webhooks/7", text, StatusCode::OK),
        ("POST /admin/webhooks", text, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("PUT /admin/webhooks/7", text, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("POST /admin/webhooks", ("content-type", "application/json"), StatusCode::BAD_REQUEST),
    ] {
        let (told, ..) = api.send_with(request, &[token, header], Body::empty()).await?;
        assert_eq!(told, status, "{request} {header:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_body_holds_one_object_of_the_right_name() -> TestResult {
    let api = Api::start().await?;
    let required = json!({"errors": {"webhook": "Required parameter missing or invalid"}});
    for body in [json!(7), json!({}), json!({"webhook": 7}), json!({"hook": {}})] {
        let (status, _, told) = api.send("POST /admin/webhooks", body).await?;
        assert_eq!((status, told), (StatusCode::BAD_REQUEST, required.clone()));
    }
    Ok(())
}

/// A push has many events, and everything else is small.
#[tokio::test]
async fn a_body_may_have_1_mib_and_a_push_4_mib() -> TestResult {
    const MIB: usize = 1024 * 1024;
    let api = Api::start().await?;
    for (request, limit) in
        [("POST /admin/webhooks", MIB), ("POST /events", 4 * MIB), ("POST /admin/events", 4 * MIB)]
    {
        for (bytes, status) in [(limit, StatusCode::BAD_REQUEST), (limit + 1, StatusCode::PAYLOAD_TOO_LARGE)]
        {
            let body = Body::from(vec![b' '; bytes]);
            let (told, ..) = api.send_with(request, &[("x-shopify-access-token", "shtk_t")], body).await?;
            assert_eq!(told, status, "{request} of {bytes} bytes");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_description_needs_no_token_and_other_paths_are_not_found() -> TestResult {
    let api = Api::start().await?;
    for (request, status) in [
        ("GET /openapi.json", StatusCode::OK),
        ("GET /admin/openapi.json", StatusCode::OK),
        ("GET /admin/hooks", StatusCode::NOT_FOUND),
        ("PATCH /admin/webhooks", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let (told, headers, body) = api.send_with(request, &[], Body::empty()).await?;
        assert_eq!((told, &headers["content-type"]), (status, &"application/json".parse()?), "{request}");
        assert_eq!(body["openapi"].is_string(), status == StatusCode::OK, "{request}");
    }
    Ok(())
}

/// The line has the route and not the path, which could name anything.
#[tokio::test]
async fn each_request_is_one_line_without_its_query_or_token() -> TestResult {
    for (path, token, status, route, shop) in [
        ("/admin/webhooks/7?fields=id", "shtk_t", 200, "/admin/webhooks/{id}", json!("a.example")),
        ("/admin/webhooks/7?fields=id", "shtk_unknown", 401, "/admin/webhooks/{id}", Value::Null),
    ] {
        let api = Api::start().await?;
        let headers = [("x-shopify-access-token", token)];
        let (sent, lines) = logged(api.send_with(&format!("GET {path}"), &headers, Body::empty())).await;
        sent?;
        let lines: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
        let [line] = lines[..] else { return Err(format!("{lines:?}").into()) };
        let told = ["http.status", "http.route", "caller.shop"].map(|name| line[name].clone());
        assert_eq!(told, [json!(status), json!(route), shop]);
        // It took some time, and less than since the epoch.
        assert!((2..60_000_000).contains(&line["http.micros"].as_i64().unwrap_or_default()), "{line}");
        assert!(!line.to_string().contains("fields") && !line.to_string().contains("unknown"), "{line}");
    }
    Ok(())
}
