//! Who hears of an event: the registry's index, by shop and topic pattern.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use futures::future;
use serde::Deserialize;
use storehook_aws::registry::{self, RegistryError, SUBSCRIBERS_INDEX};
use storehook_domain::{AppId, ShopDomain, Topic, WebhookId, fan_out::Subscriber};

/// The registry, as this function reads it.
#[derive(Clone)]
pub(crate) struct Subscribers {
    client: Client,
    table: String,
}

impl Subscribers {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The webhooks of a shop that a topic matches, exactly or by a wildcard. The patterns
    /// are asked for at the same time; no webhook has two, so none comes twice.
    pub(crate) async fn of(
        &self,
        shop: &ShopDomain,
        topic: &Topic,
    ) -> Result<Vec<Subscriber>, RegistryError> {
        let patterns = topic.matching_patterns();
        let found =
            future::try_join_all(patterns.iter().map(|pattern| self.of_pattern(shop, pattern))).await?;
        Ok(found.concat())
    }

    async fn of_pattern(&self, shop: &ShopDomain, pattern: &str) -> Result<Vec<Subscriber>, RegistryError> {
        #[derive(Deserialize)]
        struct Projected {
            id: WebhookId,
            app: AppId,
        }
        let subscription = AttributeValue::S(registry::subscription_of(shop, pattern));
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(SUBSCRIBERS_INDEX)
            .key_condition_expression("subscription = :subscription")
            .expression_attribute_values(":subscription", subscription)
            .into_paginator()
            .send();
        let mut subscribers = Vec::new();
        while let Some(page) = pages.next().await {
            for item in page?.items.unwrap_or_default() {
                let Projected { id, app } = registry::from_item(item)?;
                subscribers.push(Subscriber { webhook_id: id, app });
            }
        }
        Ok(subscribers)
    }
}
