//! Sessions end with their token, and no other site can use them.

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::ToSpan as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::{
    registry::{LinkItem, SessionItem, TokenItem, token_partition},
    table::to_item,
};
use storehook_domain::{
    history::state::DeliveryState,
    installation::{Scope, token::TokenHash},
};
use storehook_tests::{DirectApi, Stack};

use super::client::Visitor;

#[tokio::test]
async fn a_session_ends_with_its_token() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let visitor = Visitor::signed_in(&stack, &installed).await?;
    assert!(visitor.is_signed_in().await?);
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let key = TokenItem::key_of(&TokenHash::of(&installed.token));
    client.delete_item().table_name(stack.resource("registry")).set_key(Some(key)).send().await?;
    assert!(!visitor.is_signed_in().await?, "the token was revoked");
    Ok(())
}

#[tokio::test]
async fn a_session_ends_twelve_hours_after_its_last_use() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let visitor = Visitor::signed_in(&stack, &stack.install().await?).await?;
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let now = storehook_aws::now().as_second();
    for (expires_at, is_signed_in) in [(now + 60, true), (now - 1, false)] {
        let update = client.update_item().table_name(stack.resource("registry"));
        let update = update.set_key(Some(SessionItem::key_of(&TokenHash::of(visitor.session_id()))));
        let update = update.update_expression("SET expires_at = :expires_at");
        let value = AttributeValue::N(expires_at.to_string());
        update.expression_attribute_values(":expires_at", value).send().await?;
        assert_eq!(visitor.is_signed_in().await?, is_signed_in, "it expires at {expires_at}, now is {now}");
        let get = client.get_item().table_name(stack.resource("registry")).consistent_read(true);
        let get = get.set_key(Some(SessionItem::key_of(&TokenHash::of(visitor.session_id()))));
        let item: SessionItem = storehook_aws::table::from_item(get.send().await?.item.unwrap_or_default())?;
        assert_eq!(item.expires_at > now + 11 * 3_600, is_signed_in, "its use moves its expiry");
    }
    Ok(())
}

#[tokio::test]
async fn a_change_from_another_site_changes_nothing() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let visitor = Visitor::signed_in(&stack, &stack.install().await?).await?;
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ] {
        for path in ["/panel/sign-out", "/panel/webhooks", "/panel/push", "/panel/secrets/rotate"] {
            let response = visitor.send(Method::POST, path, Some("everywhere=1"), headers).await?;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path} with {headers:?}");
        }
    }
    assert!(visitor.is_signed_in().await?);
    Ok(())
}

#[tokio::test]
async fn no_change_reaches_another_app() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let webhook = installed.api.create_webhook("orders/create", "https://receiver.example.com/").await?;
    stack.have_delivered(&installed, webhook, &[("e1", storehook_aws::now(), DeliveryState::Dead)]).await?;
    stack.have_replay(&installed, webhook, "r1").await?;
    let spy = Visitor::signed_in(&stack, &stack.install_on(&installed.shop, "spy").await?).await?;
    for (path, form) in [
        (format!("/panel/webhooks/{webhook}"), "topic=orders/paid&address=https://evil.example/"),
        (format!("/panel/webhooks/{webhook}/status"), "status=paused"),
        (format!("/panel/webhooks/{webhook}/test"), ""),
        (format!("/panel/webhooks/{webhook}/delete"), ""),
        (format!("/panel/webhooks/{webhook}/replays"), "state=all&per_second=50&id=spied"),
        (format!("/panel/webhooks/{webhook}/replays/r1/stop"), ""),
        (format!("/panel/deliveries/{webhook}-e1/redeliver"), ""),
    ] {
        let response = spy.post(&path, form).await?;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}: {}", response.text().await?);
    }
    let shown = installed.api.call(Method::GET, &format!("/admin/webhooks/{webhook}.json"), None).await?;
    assert_eq!(shown.json["webhook"]["status"], "active");
    Ok(())
}

#[tokio::test]
async fn of_two_who_use_a_link_at_once_one_is_signed_in() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let made = installed.api.call(Method::POST, "/admin/panel_links.json", Some(json!({}))).await?;
    let url = made.json["panel_link"]["url"].as_str().unwrap_or_default();
    let code = format!("code={}", url.split_once("code=").map_or("", |(_, code)| code));
    let visitor = Visitor::new(&stack)?;
    let uses = futures::future::try_join_all((0..4).map(|_| visitor.post("/panel/link", &code))).await?;
    let mut statuses: Vec<_> = uses.iter().map(|response| response.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410, 410, 410]);
    Ok(())
}

#[tokio::test]
async fn a_link_ends_with_its_time_and_with_all_sessions() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let token = token_partition(&TokenHash::of(&installed.token));
    let now = storehook_aws::now();
    // Codes have the shape that they are drawn in.
    let [late, in_time] = ["late", "in-time"].map(|name| format!("{name:x<43}"));
    for (code, made_at) in [(&late, now - 601.seconds()), (&in_time, now - 590.seconds())] {
        let item = to_item(LinkItem::new(&TokenHash::of(code), token.clone(), made_at))?;
        client.put_item().table_name(stack.resource("registry")).set_item(Some(item)).send().await?;
    }
    let visitor = Visitor::signed_in(&stack, &installed).await?;
    assert_eq!(visitor.post("/panel/link", &format!("code={late}")).await?.status(), StatusCode::GONE);
    visitor.post("/panel/sign-out", "everywhere=1").await?;
    assert_eq!(visitor.post("/panel/link", &format!("code={in_time}")).await?.status(), StatusCode::GONE);
    Ok(())
}

#[tokio::test]
async fn a_token_without_the_scope_of_webhooks_does_not_sign_in() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install_with(&[Scope::EventsPush]).await?;
    let response =
        Visitor::new(&stack)?.post("/panel/sign-in", &format!("token={}", installed.token)).await?;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.text().await?.contains("lacks the scope webhooks"));
    Ok(())
}

#[tokio::test]
async fn what_can_be_no_token_no_code_and_no_session_costs_no_call() -> Result<()> {
    let mut stack = Stack::shared().await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    stack.api_url = direct.url.clone();
    let visitor = Visitor::new(&stack)?;
    let long = "a".repeat(10 * 1024);
    for (path, form, status) in [
        ("/panel/sign-in", format!("token=shtk_{long}"), StatusCode::UNAUTHORIZED),
        ("/panel/sign-in", "token=password".to_owned(), StatusCode::UNAUTHORIZED),
        ("/panel/link", "code=x".to_owned(), StatusCode::GONE),
        ("/panel/link", format!("code={long}"), StatusCode::GONE),
    ] {
        let (response, calls) = direct.observe(visitor.post(path, &form)).await?;
        assert_eq!((response.status(), calls.len()), (status, 0), "{path}");
    }
    let cookie = format!("storehook={long}");
    let cookie = [("cookie", cookie.as_str())];
    let get = visitor.send(Method::GET, "/panel", None, &cookie);
    let (response, calls) = direct.observe(get).await?;
    assert_eq!((response.status(), calls.len()), (StatusCode::SEE_OTHER, 0));
    Ok(())
}

/// API Gateway tells the address of the caller; the test tells one of its own.
#[tokio::test]
async fn attempts_at_signing_in_from_one_network_are_bounded() -> Result<()> {
    let stack = Stack::shared().await?;
    let address = format!("2001:db8:{:x}:{:x}::1", fast_random(), fast_random());
    let (mut refused, mut tried) = (None, 0);
    // Side by side: one after the other would be slower than the limit on a busy machine.
    for _ in 0..10 {
        let event = sign_in(&address, "shtk_guess");
        let attempts = (0..30).map(|_| stack.invoke("admin-api", &event));
        for (response, _) in futures::future::try_join_all(attempts).await? {
            match response["statusCode"].as_u64() {
                Some(401) => tried += 1,
                Some(429) => refused = response["headers"]["retry-after"].as_str().map(str::to_owned),
                _ => anyhow::bail!("{response}"),
            }
        }
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(refused.as_deref(), Some("1"), "after {tried} tries");
    assert!(tried >= 20, "20 attempts are allowed at once, and {tried} were");
    let (response, _) = stack.invoke("admin-api", &sign_in("203.0.113.9", "shtk_guess")).await?;
    assert_eq!(response["statusCode"], 401, "other networks are not refused");
    Ok(())
}

fn fast_random() -> u16 {
    let [high, low, ..] = *uuid::Uuid::new_v4().as_bytes();
    u16::from_be_bytes([high, low])
}

fn sign_in(address: &str, token: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/panel/sign-in", "rawQueryString": "",
        "headers": {
            "host": "a.example", "origin": "https://a.example",
            "content-type": "application/x-www-form-urlencoded",
        },
        "requestContext": {
            "accountId": "000000000000", "apiId": "local", "domainName": "a.example", "domainPrefix": "a",
            "http": {
                "method": "POST", "path": "/panel/sign-in", "protocol": "HTTP/1.1", "sourceIp": address,
                "userAgent": "test",
            },
            "requestId": "test", "routeKey": "$default", "stage": "$default",
            "time": "21/Nov/2026:15:00:00 +0000", "timeEpoch": 1_795_273_200_000_u64,
        },
        "body": format!("token={token}"), "isBase64Encoded": false,
    })
}
