//! The registry table: its items, and a read that two programs share.
//!
//! The registry knows who may call and who gets events: installations, tokens and webhooks.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | token | `TOKEN#<sha-256>` | `TOKEN` |
//! | installation | `SHOP#<shop>#APP#<app>` | `INSTALLATION` |
//! | webhook | `SHOP#<shop>#APP#<app>` | `WEBHOOK#<id, 20 digits>` |
//! | uniqueness | `SHOP#<shop>#APP#<app>` | `UNIQUE#<sha-256>` |
//! | health | `SHOP#<shop>#APP#<app>` | `FAILURES#<id, 20 digits>` |
//! | listed recovery | `RECOVERIES` | `<webhook id, 20 digits>` |
//! | id counter | `COUNTER` | `WEBHOOK` |
//! | session, link, attempts at signing in | see `panel` | |
//!
//! An app's webhooks on a shop are in one partition, in the order of their ids. The index
//! [`SUBSCRIBERS_INDEX`] holds the webhooks of each shop, for fan-out. An index follows its table
//! within a fraction of a second ("Using global secondary indexes in DynamoDB", *eventually
//! consistent*), so a new webhook may miss an event that happens at the same time.
//!
//! An installation is *installed*, then *ending*, then *ended*:
//!
//! | state | `uninstalled_at` | `expires_at` | who writes |
//! |---|---|---|---|
//! | installed | absent | absent | `storehook install`, in place of an ended one or of none |
//! | ending | set | absent | fan-out, on `app/uninstalled`; nothing is created any more |
//! | ended | set | set | fan-out, when the rest is cleared: no token, no subscriptions, all expires |
//!
//! What is ended is kept for [`UNINSTALLED_KEPT`], because the delivery of `app/uninstalled` still
//! needs it, or until the app is installed again. The token tells two installations of an app on a
//! shop apart: whoever writes for one of them checks that the token is still the same.

mod health;
mod installations;
mod panel;
mod secrets;
mod tokens;

use aws_sdk_dynamodb::Client;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use storehook_domain::{
    delivery::lane::Lane,
    installation::{app::AppId, shop::ShopDomain},
    webhook::{Webhook, WebhookId},
};

use crate::table::{Item, TableError, key, text};

pub use health::{HealthItem, HealthTable, ListedRecovery, health_sort_key};
pub use installations::{
    INSTALLATION_SORT_KEY, InstallationItem, InstallationState, UNINSTALLED_KEPT, installation_key,
    is_installation, partition_of,
};
pub use panel::{LINK_TIME, LinkItem, SESSION_TIME, SessionItem, sign_in_key};
pub use secrets::{SecretOwner, load_installation, replace_secrets};
pub use tokens::{TOKEN_SORT_KEY, TokenItem, WebhooksSeen, token_partition};

/// The index of webhooks by shop: `shop`, then `id`; with `app`, `subscription` (see
/// [`subscription_of`]) and `lane`, which marks slow webhooks.
pub const SUBSCRIBERS_INDEX: &str = "subscribers";

/// The attribute of a webhook's item that holds the lane of its deliveries, `fast` or `slow`. The
/// delivery function alone writes it, and when it did, `lane_since`: neither is a change of the
/// webhook.
pub const LANE: &str = "lane";

/// A webhook's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WebhookItem {
    pk: String,
    sk: String,
    /// What it gets, by [`subscription_of`]; `None` once its app is uninstalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subscription: Option<String>,
    /// The lane of its deliveries, if somebody judged its endpoint ([`LANE`]). A change of the webhook
    /// drops the mark: it is judged anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    /// When the lane last changed, in seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane_since: Option<i64>,
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
}

impl WebhookItem {
    /// Whether it gets events: an uninstallation ends that.
    pub fn is_subscribed(&self) -> bool {
        self.subscription.is_some()
    }

    /// The item of a webhook.
    pub fn of(webhook: Webhook) -> Self {
        Self {
            pk: partition_of(&webhook.shop, &webhook.app),
            sk: webhook_sort_key(webhook.id),
            subscription: Some(subscription_of(&webhook.shop, webhook.topic.key())),
            lane: None,
            lane_since: None,
            webhook,
        }
    }
}

/// The slot of a webhook. No two webhooks of an installation have the same topic, address, format
/// and protocol: the second one finds the slot taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UniquenessItem {
    pk: String,
    sk: String,
    /// The webhook that holds it: tells it from a later one of the same key.
    webhook_id: WebhookId,
}

impl UniquenessItem {
    /// The item of a webhook's slot.
    pub fn of(webhook: &Webhook) -> Self {
        let parts = [
            webhook.topic.key(),
            webhook.address.as_str(),
            webhook.format.as_str(),
            webhook.protocol.as_str(),
        ];
        // None of the parts can hold a line break.
        let digits = hex::encode(Sha256::digest(parts.join("\n").as_bytes()));
        Self {
            pk: partition_of(&webhook.shop, &webhook.app),
            sk: format!("UNIQUE#{digits}"),
            webhook_id: webhook.id,
        }
    }

    /// The item's key.
    pub fn key(&self) -> Item {
        key(&self.pk, &self.sk)
    }
}

/// The start of every webhook's sort key.
pub const WEBHOOK_SORT_KEY_PREFIX: &str = "WEBHOOK#";

/// A webhook's sort key. The id has 20 digits, so keys sort as ids do.
pub fn webhook_sort_key(id: WebhookId) -> String {
    format!("{WEBHOOK_SORT_KEY_PREFIX}{:020}", id.get())
}

/// The key of a webhook's item.
pub fn webhook_key(shop: &ShopDomain, app: &AppId, id: WebhookId) -> Item {
    key(&partition_of(shop, app), &webhook_sort_key(id))
}

/// The key of the counter of webhook ids. Its `value` is the last id that was given.
pub fn counter_key() -> Item {
    key("COUNTER", "WEBHOOK")
}

/// What a shop's webhooks with this topic pattern have as their subscription.
pub fn subscription_of(shop: &ShopDomain, pattern_key: &str) -> String {
    format!("SHOP#{shop}#TOPIC#{pattern_key}")
}

/// Loads all items of an installation's partition, strongly consistent.
///
/// A page of a query has at most 1 MB (`Query`, Amazon DynamoDB API Reference); the SDK's paginator
/// loads all of them.
///
/// # Errors
///
/// A call failed.
pub async fn load_items(
    client: &Client,
    table: &str,
    shop: &ShopDomain,
    app: &AppId,
) -> Result<Vec<Item>, TableError> {
    let query = client
        .query()
        .table_name(table)
        .consistent_read(true)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", text(partition_of(shop, app)));
    let mut found = query.into_paginator().items().send();
    let mut items = Vec::new();
    while let Some(item) = found.next().await {
        items.push(item?);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{from_item, to_item};

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn webhook(id: u64, topic: &str, address: &str) -> Result<Webhook, serde_json::Error> {
        serde_json::from_value(serde_json::json!({
            "id": id, "shop": "a.example", "app": "demo", "topic": topic, "address": address, "format": "json",
            "protocol": "webhook", "status": "active", "fields": ["id"], "metafield_namespaces": [],
            "custom_headers": {"X-B": "2", "X-A": "1"}, "created_at": "2026-11-21T15:00:00Z",
            "updated_at": "2026-11-21T15:00:00.123Z", "version": 3,
        }))
    }

    #[test]
    fn a_webhook_reads_back_from_its_item() -> TestResult {
        let webhook = webhook(u64::MAX, "order:new", "https://b.example/?q")?;
        let item = to_item(WebhookItem::of(webhook.clone()))?;
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        assert_eq!(text("pk").as_deref(), Some("SHOP#a.example#APP#demo"));
        assert_eq!(text("sk").as_deref(), Some("WEBHOOK#18446744073709551615"));
        assert_eq!(text("subscription").as_deref(), Some("SHOP#a.example#TOPIC#orders/create"));
        assert_eq!(text("topic").as_deref(), Some("order:new"));
        assert_eq!(from_item::<WebhookItem>(item)?.webhook, webhook);
        Ok(())
    }

    #[test]
    fn all_spellings_of_a_topic_take_the_same_slot() -> TestResult {
        let slot = |topic: &str, address: &str| {
            webhook(1, topic, address).map(|webhook| UniquenessItem::of(&webhook).sk)
        };
        assert_eq!(slot("order:new", "https://b.example/")?, slot("orders/create", "https://b.example/")?);
        assert_ne!(slot("orders/paid", "https://b.example/")?, slot("orders/create", "https://b.example/")?);
        assert_ne!(
            slot("orders/create", "https://c.example/")?,
            slot("orders/create", "https://b.example/")?
        );
        Ok(())
    }
}
