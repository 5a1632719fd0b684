//! The webhooks of an installation, in the registry table.
//!
//! Each write is one transaction over the webhook and its slot, the item that holds its topic,
//! address, format and protocol. So an installation has no two equal webhooks, whatever happens at
//! the same time. A write is conditional on the version that it was made from: if another write
//! came first, it is a [`WriteError::Conflict`], and the operation starts again. Reads are strongly
//! consistent: the API shows what it has confirmed.
//!
//! Each transaction also checks that the installation is still the caller's, by its token, and is
//! not uninstalled. A request that was admitted before `app/uninstalled` can so leave nothing
//! behind: its write comes before the mark, and is cleared with the rest, or it is
//! [`WriteError::Uninstalled`]. Transactions that create or delete a webhook count it in the same
//! write ([`WebhookCounts`]).

use aws_sdk_dynamodb::{
    Client,
    types::{Put, ReturnValue, TransactWriteItem},
};
use jiff::Timestamp;
use storehook_aws::{
    registry::{self, UniquenessItem, WebhookItem},
    table::{self, TableError, number, text},
};
use storehook_domain::webhook::{
    Webhook, WebhookId, WebhookKey,
    filter::WebhookFilter,
    new_webhook::{NewWebhook, WebhookPatch},
    query::WebhookQuery,
    quota::CountChange,
    whole_second,
};

use crate::{
    http::caller::Caller,
    quotas::webhooks::WebhookCounts,
    webhooks::transaction::{self, WriteError},
};

/// The registry's webhooks.
#[derive(Clone)]
pub(crate) struct WebhookStore {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) counts: WebhookCounts,
}

/// A change to a webhook: the webhook before and after it.
pub(crate) struct Change {
    before: Webhook,
    pub(crate) after: Webhook,
}

impl Change {
    /// The change that a patch makes. An unchanged webhook keeps its `updated_at`.
    pub(crate) fn of(before: Webhook, patch: WebhookPatch, now: Timestamp) -> Self {
        let mut after = before.clone();
        patch.apply_to(&mut after);
        if after != before {
            after.updated_at = whole_second(now);
            after.version += 1;
        }
        Self { before, after }
    }

    /// Whether it changes anything.
    pub(crate) fn is_one(&self) -> bool {
        self.after != self.before
    }
}

impl WebhookStore {
    /// Loads the caller's webhook with this id.
    pub(crate) async fn load(&self, caller: &Caller, id: WebhookId) -> Result<Option<Webhook>, TableError> {
        let key = registry::webhook_key(&caller.shop, &caller.app, id);
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let item = get.send().await?.item.map(table::from_item::<WebhookItem>).transpose()?;
        Ok(item.map(|item| item.webhook))
    }

    /// Loads up to `count` webhooks of the caller's from where a page begins, by ascending id. It
    /// reads as few of DynamoDB's own pages as it can.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        query: &WebhookQuery,
        count: usize,
    ) -> Result<Vec<Webhook>, TableError> {
        let Some(range) = query.range() else { return Ok(Vec::new()) };
        let mut to_skip = query.skip();
        let mut reading = self.query(caller, range).scan_index_forward(!query.is_backward());
        if query.filter.is_of_ids_alone() {
            // Every webhook that is read is skipped or listed, so DynamoDB need not read a
            // megabyte.
            reading = reading.limit(to_skip.saturating_add(count).min(MAX_READ) as i32);
        }
        let mut pages = reading.into_paginator().send();
        let mut listed = Vec::new();
        'reading: while let Some(page) = pages.next().await {
            for item in page?.items.unwrap_or_default() {
                let webhook = table::from_item::<WebhookItem>(item)?.webhook;
                if !query.filter.matches(&webhook) {
                    continue;
                }
                if to_skip > 0 {
                    to_skip -= 1;
                    continue;
                }
                listed.push(webhook);
                if listed.len() == count {
                    break 'reading;
                }
            }
        }
        if query.is_backward() {
            listed.reverse();
        }
        Ok(listed)
    }

    /// Counts the caller's webhooks with the filter's address and topic. DynamoDB does the
    /// counting.
    pub(crate) async fn count(&self, caller: &Caller, filter: &WebhookFilter) -> Result<u64, TableError> {
        let mut conditions = Vec::new();
        let mut query = self.query(caller, (WebhookId::new(0), WebhookId::new(u64::MAX)));
        if let Some(address) = &filter.address {
            conditions.push("address = :address");
            query = query.expression_attribute_values(":address", text(address));
        }
        if let Some(key) = &filter.topic_key {
            conditions.push("subscription = :subscription");
            let subscription = registry::subscription_of(&caller.shop, key);
            query = query.expression_attribute_values(":subscription", text(subscription));
        }
        if !conditions.is_empty() {
            query = query.filter_expression(conditions.join(" AND "));
        }
        table::count(query).await
    }

    /// Creates a webhook.
    pub(crate) async fn create(
        &self,
        caller: &Caller,
        new: NewWebhook,
        now: Timestamp,
    ) -> Result<Webhook, WriteError> {
        let (id, shop, app) = (self.take_id().await?, caller.shop.clone(), caller.app.clone());
        let mut webhook = Webhook::new(WebhookKey { id, shop, app }, new.topic, new.address, now);
        new.rest.apply_to(&mut webhook);
        let put = transaction::put_new(&self.table, WebhookItem::of(webhook.clone()))?;
        let slot = transaction::put_new(&self.table, UniquenessItem::of(&webhook))?;
        transaction::write_counted(&self.counts, caller, CountChange::Created, vec![put, slot]).await?;
        Ok(webhook)
    }

    /// Writes a change, if the webhook is still what it was before. Without a difference it writes
    /// nothing.
    pub(crate) async fn update(&self, caller: &Caller, change: &Change) -> Result<(), WriteError> {
        if !change.is_one() {
            return Ok(());
        }
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(table::to_item(WebhookItem::of(change.after.clone()))?))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(change.before.version))
            .build();
        let put = TransactWriteItem::builder().put(put.map_err(TableError::from)?).build();
        let mut writes = vec![transaction::check_installed(&self.table, caller)?, put];
        let (before, after) = (UniquenessItem::of(&change.before), UniquenessItem::of(&change.after));
        if before.key() != after.key() {
            writes.push(transaction::put_new(&self.table, after)?);
            writes.push(transaction::delete(&self.table, before.key(), None)?);
        }
        transaction::write(&self.client, writes).await
    }

    /// Deletes a webhook, if it has not changed since it was loaded.
    pub(crate) async fn delete(&self, caller: &Caller, webhook: &Webhook) -> Result<(), WriteError> {
        let key = registry::webhook_key(&webhook.shop, &webhook.app, webhook.id);
        let webhook_item = transaction::delete(&self.table, key, Some(webhook.version))?;
        let uniqueness_item = transaction::delete(&self.table, UniquenessItem::of(webhook).key(), None)?;
        transaction::write_counted(
            &self.counts,
            caller,
            CountChange::Deleted,
            vec![webhook_item, uniqueness_item],
        )
        .await
    }

    /// A query of the caller's webhooks with ids in a range, both ends included.
    fn query(
        &self,
        caller: &Caller,
        (first, last): (WebhookId, WebhookId),
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(registry::partition_of(&caller.shop, &caller.app)))
            .expression_attribute_values(":first", text(registry::webhook_sort_key(first)))
            .expression_attribute_values(":last", text(registry::webhook_sort_key(last)))
    }

    /// Takes the next id. An id that is then not used leaves a gap.
    async fn take_id(&self) -> Result<WebhookId, TableError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(registry::counter_key()))
            .update_expression("ADD #value :one")
            .expression_attribute_names("#value", "value")
            .expression_attribute_values(":one", number(1_u64))
            .return_values(ReturnValue::UpdatedNew);
        #[derive(serde::Deserialize)]
        struct Counter {
            value: WebhookId,
        }
        let attributes = update.send().await?.attributes.unwrap_or_default();
        Ok(table::from_item::<Counter>(attributes)?.value)
    }
}

/// The most items that a query asks for. DynamoDB's own limit, a megabyte, holds fewer.
const MAX_READ: usize = 5_000;
