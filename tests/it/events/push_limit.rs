//! How many events an app may push.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_aws::{
    registry::{TokenItem, installation_key},
    table::{self, Item, number},
};
use storehook_domain::installation::token::TokenHash;
use storehook_tests::{ApiResponse, DirectApi, Installed, Stack};

async fn push(installed: &Installed, count: usize) -> Result<ApiResponse> {
    let event = |index| json!({"topic": "orders/create", "payload": {"id": index}});
    let events: Vec<_> = (0..count).map(event).collect();
    installed.api.call(Method::POST, "/admin/events.json", Some(json!({ "events": events }))).await
}

async fn set(stack: &Stack, key: Item, member: &str, value: AttributeValue) -> Result<()> {
    let update = Client::new(&stack.sdk()).update_item().table_name(stack.resource("registry"));
    let update = update.set_key(Some(key)).update_expression("SET #member = :value");
    let update = update.expression_attribute_names("#member", member);
    update.expression_attribute_values(":value", value).send().await?;
    Ok(())
}

#[tokio::test]
async fn a_push_into_a_full_bucket_is_429_with_retry_after_and_other_calls_go_on() -> Result<()> {
    let stack = Stack::shared().await?;
    let (installed, other) = (stack.install().await?, stack.install().await?);
    let key = TokenItem::key_of(&TokenHash::of(&installed.token));
    // The local stack's bucket is empty after ten seconds, and this one only in an hour.
    let in_an_hour = storehook_aws::now().as_microsecond() + 3_600_000_000;
    set(&stack, key, "push_bucket_empty_at", number(in_an_hour)).await?;
    let response = push(&installed, 1).await?;
    assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = response.header("retry-after").parse()?;
    assert!((1..3_600).contains(&wait), "{wait}");
    assert!(response.json["errors"].as_str().is_some_and(|told| told.contains("pushed events")));
    let list = installed.api.call(Method::GET, "/admin/webhooks.json", None).await?;
    assert_eq!(list.status, StatusCode::OK, "calls have a bucket of their own");
    assert_eq!(push(&other, 1).await?.status, StatusCode::ACCEPTED, "so has another installation");
    Ok(())
}

#[tokio::test]
async fn an_app_with_many_webhooks_pushes_fewer_events() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let installation = installation_key(&installed.shop, &installed.app);
    set(&stack, installation, "webhook_count", number(1_000_u64)).await?;
    // With the defaults of a deployment, and not those of the local stack.
    let direct = DirectApi::on(&stack, "0").await?;
    let installed = Installed { api: installed.api.at(&direct.url), ..installed };
    direct.let_all_through();
    let response = push(&installed, 11).await?;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    let told = "must be at most 10 events at once, with the 1000 webhooks of this app";
    assert_eq!(response.json, json!({"errors": {"events": [told]}}));
    let began = storehook_aws::now().as_microsecond();
    assert_eq!(push(&installed, 10).await?.status, StatusCode::ACCEPTED);
    let get = Client::new(&stack.sdk()).get_item().table_name(stack.resource("registry"));
    let get = get.set_key(Some(TokenItem::key_of(&TokenHash::of(&installed.token)))).consistent_read(true);
    let item: TokenItem = table::from_item(get.send().await?.item.context("no token")?)?;
    let empty_at = item.push_bucket_empty_at.context("no bucket")?;
    assert!(empty_at - began >= 20_000_000, "a thousand drops leak in 20 s");
    assert_eq!(item.webhooks_seen.map(|seen| seen.webhooks), Some(1_000));
    Ok(())
}
