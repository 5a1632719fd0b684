//! A webhook as it is now, with the health of its endpoint: what explains its deliveries.

use anyhow::{Context as _, Result};
use storehook_aws::{
    registry::{HealthTable, WebhookItem, webhook_key},
    table::from_item,
};
use storehook_domain::{
    explanation::why::why,
    history::record::DeliveryRecord,
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{Webhook, WebhookKey},
};

use crate::installation::Registry;

/// A webhook and the health of its endpoint.
#[derive(Debug, Clone)]
pub struct WebhookNow {
    /// The webhook.
    pub webhook: Webhook,
    /// How its endpoint is.
    pub endpoint: EndpointHealth,
}

impl WebhookNow {
    /// Loads a webhook; `None` if it is deleted, or its app is uninstalled.
    ///
    /// # Errors
    ///
    /// The registry cannot be read.
    pub async fn load(registry: &Registry, key: &WebhookKey) -> Result<Option<Self>> {
        let get = registry.client.get_item().table_name(&registry.table).consistent_read(true);
        let get = get.set_key(Some(webhook_key(&key.shop, &key.app, key.id))).send().await;
        let item = get.context("the registry cannot be read")?.item;
        let item: Option<WebhookItem> = item.map(from_item).transpose()?;
        let Some(item) = item.filter(WebhookItem::is_subscribed) else { return Ok(None) };
        let health = HealthTable { client: registry.client.clone(), name: registry.table.clone() };
        let health = health.load(key).await.context("the registry cannot be read")?;
        let endpoint = health.map(|health| health.endpoint_health(&item.webhook, storehook_aws::now()));
        Ok(Some(Self { webhook: item.webhook, endpoint: endpoint.unwrap_or_default() }))
    }
}

/// Why a delivery is in its state, in a sentence.
pub fn why_of(record: &DeliveryRecord, webhook: Option<&WebhookNow>) -> String {
    why(record, webhook.map(|now| (now.webhook.status, now.endpoint)), storehook_aws::now())
}

/// Why a second event under the id of a delivery was not sent.
pub const OTHER_PAYLOAD: &str =
    "Another event came under its id with another payload, and was not sent: an id names one event.";
