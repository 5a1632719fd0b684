//! How often an app may call the admin API.

use anyhow::{Context as _, Result};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use storehook_aws::registry::TokenItem;
use storehook_domain::installation::token::TokenHash;
use storehook_tests::{Api, ApiResponse, DirectApi, Stack, eventually};

const LIST: &str = "/admin/webhooks.json";

#[tokio::test]
async fn calls_over_the_rate_limit_are_429_with_retry_after() -> Result<()> {
    let parameters = [("RateLimitBurst", "5"), ("RateLimitPerSecond", "1")];
    let stack = Stack::deploy("storehook-limited", &parameters).await?;
    let (api, other) = (stack.install().await?.api, stack.install().await?.api);
    let began = storehook_aws::now();
    let calls = join_all((0..30).map(|_| api.call(Method::GET, LIST, None))).await;
    let responses: Vec<ApiResponse> = calls.into_iter().collect::<Result<_>>()?;
    let seconds = storehook_aws::now().duration_since(began).as_secs();
    let (refused, admitted): (Vec<_>, Vec<_>) =
        responses.iter().partition(|response| response.status == StatusCode::TOO_MANY_REQUESTS);
    assert!(admitted.len() >= 5, "{}", admitted.len());
    assert!(admitted.len() <= 5 + 1 + usize::try_from(seconds)?, "{} in {seconds} s", admitted.len());
    for response in admitted {
        assert_eq!(response.status, StatusCode::OK);
        let level = response.header("x-spiffy-stores-api-call-limit");
        assert!(["1/5", "2/5", "3/5", "4/5", "5/5"].contains(&level), "{level}");
        assert_eq!(response.header("x-shopify-shop-api-call-limit"), level);
    }
    for response in refused {
        assert_eq!(response.header("x-spiffy-stores-api-call-limit"), "5/5");
        assert_eq!(response.header("x-shopify-shop-api-call-limit"), "5/5");
        assert_eq!(response.header("retry-after"), "1");
        assert!(response.json["errors"].as_str().is_some_and(|text| text.contains("Too many calls")));
    }
    let of_shared = Stack::shared().await?.install().await?.api;
    let response = of_shared.call(Method::GET, LIST, None).await?;
    assert_eq!(response.header("x-shopify-shop-api-call-limit"), "1/1000", "as the local stack has it");
    // Another installation has a bucket of its own, and a full one leaks.
    assert_eq!(other.call(Method::GET, LIST, None).await?.header("x-shopify-shop-api-call-limit"), "1/5");
    eventually("the bucket to have room again", || async {
        let response = api.call(Method::GET, LIST, None).await?;
        Ok((response.status == StatusCode::OK).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_rate_limit_of_zero_is_no_limit() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let api = installed.api.at(&direct.url);
    let (response, calls) = direct.observe(api.call(Method::GET, LIST, None)).await?;
    assert_eq!((response.status, response.header("x-shopify-shop-api-call-limit")), (StatusCode::OK, ""));
    assert_eq!(calls, ["GetItem", "Query"], "nothing is written");
    Ok(())
}

/// Two calls that saw the same bucket are both counted.
#[tokio::test]
async fn concurrent_calls_are_all_counted() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(&stack, "40").await?;
    let api = installed.api.at(&direct.url);
    let list = |api: Api| tokio::spawn(async move { api.call(Method::GET, LIST, None).await });
    let requests = [list(api.clone()), list(api.clone()), list(api)];
    for operation in ["GetItem", "UpdateItem"] {
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(direct.calls.recv().await.context("no call")?);
        }
        assert!(held.iter().all(|call| call.operation == operation), "all have read before any writes");
        held.into_iter().for_each(storehook_tests::Call::let_through);
    }
    let (responses, _) = direct.observe(async { Ok(join_all(requests).await) }).await?;
    let mut levels = Vec::new();
    for response in responses {
        levels.push(response??.header("x-spiffy-stores-api-call-limit").to_owned());
    }
    levels.sort();
    assert_eq!(levels, ["1/40", "2/40", "3/40"]);
    Ok(())
}

#[tokio::test]
async fn a_token_revoked_during_a_call_stays_revoked() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(&stack, "40").await?;
    let api = installed.api.at(&direct.url);
    let request = tokio::spawn(async move { api.call(Method::GET, LIST, None).await });
    direct.calls.recv().await.context("no call")?.let_through();
    let count = direct.calls.recv().await.context("no call")?;
    assert_eq!(count.operation, "UpdateItem");
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let key = TokenItem::key_of(&TokenHash::of(&installed.token));
    let table = stack.resource("registry");
    client.delete_item().table_name(&table).set_key(Some(key.clone())).send().await?;
    count.let_through();
    assert_eq!(request.await??.status, StatusCode::UNAUTHORIZED);
    let left = client.get_item().table_name(table).set_key(Some(key)).consistent_read(true).send().await?;
    assert_eq!(left.item, None);
    Ok(())
}
