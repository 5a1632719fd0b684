//! How many webhooks an app may have on a shop.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use futures::future::{join_all, try_join_all};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::{
    registry::installation_key,
    table::{number, text},
};
use storehook_tests::{Api, ApiResponse, DirectApi, Installed, Stack};

/// The count of an installation, and how it is written by hand.
struct Counted {
    client: Client,
    table: String,
    installed: Installed,
}

impl Counted {
    async fn on(stack: &Stack) -> Result<Self> {
        let (client, table) = (Client::new(&stack.sdk()), stack.resource("registry"));
        Ok(Self { client, table, installed: stack.install().await? })
    }

    async fn count(&self) -> Result<Option<AttributeValue>> {
        let key = installation_key(&self.installed.shop, &self.installed.app);
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await?.item.context("no installation")?.remove("webhook_count"))
    }

    async fn change(&self, expression: &str, values: &[(&str, AttributeValue)]) -> Result<()> {
        let key = installation_key(&self.installed.shop, &self.installed.app);
        let mut update = self.client.update_item().table_name(&self.table).set_key(Some(key));
        for (name, value) in values {
            update = update.expression_attribute_values(*name, value.clone());
        }
        update.update_expression(expression).send().await?;
        Ok(())
    }
}

async fn create(api: &Api, number: usize) -> Result<ApiResponse> {
    let address = format!("https://a.example/{number}");
    let new = json!({"webhook": {"topic": "orders/create", "address": address}});
    api.call(Method::POST, "/admin/webhooks.json", Some(new)).await
}

#[tokio::test]
async fn concurrent_creations_never_exceed_the_quota_of_webhooks() -> Result<()> {
    let stack = Stack::shared().await?;
    let counted = Counted::on(&stack).await?;
    // As if it had 995: the count was checked just now.
    counted.change("SET webhook_count = :count", &[(":count", number(995_u64))]).await?;
    let services = try_join_all((0..4).map(|_| DirectApi::on(&stack, "0"))).await?;
    let apis: Vec<_> = services.iter().map(|service| counted.installed.api.at(&service.url)).collect();
    services.into_iter().for_each(DirectApi::let_all_through);
    let creations = apis.iter().cycle().take(20).enumerate().map(|(number, api)| create(api, number));
    let mut created = 0;
    for response in join_all(creations).await {
        let response = response?;
        if response.status == StatusCode::CREATED {
            created += 1;
            continue;
        }
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
        let told = "An app may have 1000 webhooks on a shop, and this one has them: delete one first";
        assert_eq!(response.json, json!({"errors": {"base": [told]}}));
    }
    assert_eq!((created, counted.count().await?), (5, Some(number(1_000_u64))));
    // A count that is wrong heals once it is in doubt: the app has five.
    let long_ago = [(":then", text("2026-01-01T00:00:00Z"))];
    counted.change("SET webhooks_counted_at = :then", &long_ago).await?;
    assert_eq!(create(&apis[0], 20).await?.status, StatusCode::CREATED);
    assert_eq!(counted.count().await?, Some(number(6_u64)));
    Ok(())
}

/// An installation that an older release wrote has webhooks and no count.
#[tokio::test]
async fn webhooks_that_nobody_has_counted_are_counted_when_one_comes_or_goes() -> Result<()> {
    let stack = Stack::shared().await?;
    for (method, left) in [(Method::POST, 3_u64), (Method::DELETE, 1)] {
        let counted = Counted::on(&stack).await?;
        let api = &counted.installed.api;
        let mut path = "/admin/webhooks.json".to_owned();
        for number in 0..2 {
            let id = create(api, number).await?.json["webhook"]["id"].as_u64().context("no id")?;
            if method == Method::DELETE {
                path = format!("/admin/webhooks/{id}.json");
            }
        }
        counted.change("REMOVE webhook_count, webhooks_counted_at", &[]).await?;
        let new = json!({"webhook": {"topic": "orders/create", "address": "https://a.example/new"}});
        let body = (method == Method::POST).then_some(new);
        let response = api.call(method, &path, body).await?;
        assert!(response.status.is_success(), "{}", response.json);
        assert_eq!(counted.count().await?, Some(number(left)));
        let told: Value = api.call(Method::GET, "/admin/webhooks/count.json", None).await?.json;
        assert_eq!(told, json!({ "count": left }));
    }
    Ok(())
}
