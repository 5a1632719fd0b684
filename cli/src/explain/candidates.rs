//! The webhooks that might have heard of an event, and what the history has of it for each.
//!
//! The registry is scanned for all webhooks. Webhooks that were deleted are not in it, but their
//! deliveries may still be kept. Ids are given in order, so every id up to the counter that no webhook
//! has is that of a deleted one.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use storehook_aws::{
    history::HistoryTable,
    registry::{WEBHOOK_SORT_KEY_PREFIX, WebhookItem, counter_key},
    table::{from_item, text},
};
use storehook_domain::{
    event::id::EventId, history::record::DeliveryRecord, installation::shop::ShopDomain, webhook::WebhookId,
};

use crate::{installation::Registry, progress};

/// How many webhooks the history is asked for at the same time.
const READS: usize = 32;

/// Of how many deleted webhooks deliveries are looked for, those with the latest ids.
const DELETED_LIMIT: u64 = 20_000;

/// The webhooks to look at.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Those of the registry.
    pub(super) webhooks: BTreeMap<WebhookId, WebhookItem>,
    /// The ids of deleted ones.
    pub(super) deleted: Vec<WebhookId>,
    /// How many deleted ones are not among them.
    pub(super) left_out: u64,
}

impl Candidates {
    /// Finds all webhooks, those of one shop, or one webhook.
    pub(super) async fn find(
        registry: &Registry,
        shop: Option<&ShopDomain>,
        webhook: Option<WebhookId>,
    ) -> Result<Self> {
        let mut webhooks = scan(registry).await.context("the registry cannot be read")?;
        let last = last_id(registry).await.context("the registry cannot be read")?;
        let (deleted, left_out) = match webhook {
            Some(id) => (vec![id], 0),
            None => deleted(last, |id| webhooks.contains_key(&id)),
        };
        let deleted = deleted.into_iter().filter(|id| !webhooks.contains_key(id)).collect();
        webhooks.retain(|id, item| {
            shop.is_none_or(|shop| *shop == item.webhook.shop) && webhook.is_none_or(|webhook| webhook == *id)
        });
        Ok(Self { webhooks, deleted, left_out })
    }

    /// Loads what the history has of an event, by webhook, the newest delivery first.
    pub(super) async fn records(
        &self,
        history: &HistoryTable,
        event: &EventId,
    ) -> Result<BTreeMap<WebhookId, Vec<DeliveryRecord>>> {
        let now = storehook_aws::now();
        let ids: Vec<_> = self.webhooks.keys().chain(&self.deleted).copied().collect();
        let read = progress::bar(ids.len() as u64, "webhooks");
        let records = stream::iter(ids).map(|id| {
            let read = read.clone();
            async move {
                let found = history.load_of_event(id, event).await.context("the history cannot be read")?;
                read.inc(1);
                let kept = found.into_iter().filter(|record| record.is_kept(now));
                let mut kept: Vec<_> = kept.map(|record| record.as_of(now)).collect();
                kept.sort_by_key(|record| std::cmp::Reverse(record.created_at));
                Ok::<_, anyhow::Error>((id, kept))
            }
        });
        let records = records.buffer_unordered(READS);
        let records = records.try_filter(|(_, records)| std::future::ready(!records.is_empty()));
        let records = records.try_collect().await;
        read.finish_and_clear();
        records
    }
}

async fn scan(registry: &Registry) -> Result<BTreeMap<WebhookId, WebhookItem>> {
    let scan = registry
        .client
        .scan()
        .table_name(&registry.table)
        .filter_expression("begins_with(sk, :webhook)")
        .expression_attribute_values(":webhook", text(WEBHOOK_SORT_KEY_PREFIX));
    let mut pages = scan.into_paginator().send();
    let read = progress::count("items of the registry read");
    let mut webhooks = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page?;
        read.inc(u64::try_from(page.scanned_count).unwrap_or_default());
        for item in page.items.unwrap_or_default() {
            let item: WebhookItem = from_item(item)?;
            webhooks.insert(item.webhook.id, item);
        }
    }
    read.finish_and_clear();
    Ok(webhooks)
}

/// The last id that was given to a webhook.
async fn last_id(registry: &Registry) -> Result<u64> {
    let get = registry.client.get_item().table_name(&registry.table).set_key(Some(counter_key()));
    let item = get.send().await?.item.unwrap_or_default();
    Ok(item.get("value").and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or(0))
}

/// The ids up to the last one that no webhook has, the latest [`DELETED_LIMIT`] of them, and how many
/// more there are.
fn deleted(last: u64, is_there: impl Fn(WebhookId) -> bool) -> (Vec<WebhookId>, u64) {
    let gone = (1..=last).rev().map(WebhookId::new).filter(|id| !is_there(*id));
    let mut latest: Vec<_> = gone.collect();
    let left_out = (latest.len() as u64).saturating_sub(DELETED_LIMIT);
    latest.truncate(usize::try_from(DELETED_LIMIT).unwrap_or(usize::MAX));
    (latest, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_no_webhook_has_are_those_of_deleted_ones() {
        let numbers = |(ids, left_out): (Vec<WebhookId>, u64)| {
            (ids.into_iter().map(WebhookId::get).collect::<Vec<_>>(), left_out)
        };
        assert_eq!(numbers(deleted(5, |id| [2, 4].contains(&id.get()))), (vec![5, 3, 1], 0));
        assert_eq!(numbers(deleted(0, |_| false)), (vec![], 0));
        let (ids, left_out) = numbers(deleted(DELETED_LIMIT + 7, |_| false));
        assert_eq!((ids.len() as u64, ids[0], left_out), (DELETED_LIMIT, DELETED_LIMIT + 7, 7));
    }
}
