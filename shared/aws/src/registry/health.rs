//! Health in the registry table: a webhook's failure run, and its recovery if it has one.
//!
//! The item is beside its webhook, so the delivery function reads it in the one call that it makes
//! for a batch anyway. Two kinds of writes change it:
//!
//! * **Counts** (`since`, `attempts`, `waiting`) are changed by every failed attempt, without a look
//!   at what else is there.
//! * **The recovery** is changed on the condition that its `recovery_version` is the one that the
//!   change was made from. The delivery function opens, closes and begins it, the fan-out function
//!   makes its steps, and the API hurries it.
//!
//! The item expires 30 days after the last failure, but never while it has a recovery: deliveries
//! are held then, and nobody else knows that they must come back.
//!
//! A recovery is also listed in a partition of its own, so that whoever looks for lost steps need not
//! read the whole table. An entry is written before its recovery and deleted after it, so no recovery
//! is missing.

use aws_sdk_dynamodb::{Client, types::ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use storehook_domain::{
    installation::{app::AppId, shop::ShopDomain},
    job::recovery::Recovery,
    webhook::{WebhookId, WebhookKey, health::failure_run::FailureRun},
};

use super::partition_of;
use crate::table::{self, Item, TableError, key, number, text};

/// How long the item is kept after the last failed attempt. A webhook that has not failed since then
/// is not failing.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the sort key of a health item begins with.
const PREFIX: &str = "FAILURES#";

/// The partition of the listed recoveries.
const LISTED: &str = "RECOVERIES";

/// A webhook's health.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct HealthItem {
    pk: String,
    sk: String,
    /// The version of the webhook that the failure run is of. After a change of the webhook, a new
    /// run begins.
    #[serde(default)]
    pub webhook_version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(default)]
    attempts: u64,
    /// Since when the failure run lasts of which the app was warned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned: Option<Timestamp>,
    /// About how many deliveries wait for a retry. Crashes lose decrements, so it may be off, and
    /// below zero.
    #[serde(default)]
    waiting: i64,
    /// The recovery, if anything may be held for `failing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    /// Counts the changes of the recovery, also after it has ended. 0 is not stored.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub recovery_version: u64,
    /// When the item expires, in seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

impl HealthItem {
    /// The item of a webhook that has failed at this version, and recovers or not.
    pub fn of(
        webhook: &WebhookKey,
        webhook_version: u64,
        run: Option<FailureRun>,
        recovery: Option<Recovery>,
    ) -> Self {
        Self {
            pk: partition_of(&webhook.shop, &webhook.app),
            sk: health_sort_key(webhook.id),
            webhook_version,
            since: run.map(|run| run.since),
            attempts: run.map_or(0, |run| run.attempts),
            expires_at: run.filter(|_| recovery.is_none()).map(|run| Self::expiry(run.since)),
            recovery_version: u64::from(recovery.is_some()),
            recovery,
            ..Self::default()
        }
    }

    /// The failed attempts since the last success.
    pub fn run(&self) -> Option<FailureRun> {
        self.since.map(|since| FailureRun { since, attempts: self.attempts })
    }

    /// About how many deliveries wait for a retry.
    pub fn waiting(&self) -> u64 {
        u64::try_from(self.waiting).unwrap_or(0)
    }

    /// Whether the breaker is open.
    pub fn is_open(&self) -> bool {
        self.recovery.as_ref().is_some_and(Recovery::is_open)
    }

    /// When the item expires, if its last attempt failed at `failed_at`.
    pub fn expiry(failed_at: Timestamp) -> i64 {
        failed_at.as_second() + KEPT.as_secs()
    }

    /// The key of the item of a webhook's health.
    pub fn key_of(shop: &ShopDomain, app: &AppId, id: WebhookId) -> Item {
        key(&partition_of(shop, app), &health_sort_key(id))
    }

    /// The webhook of the item; `None` if its key is malformed.
    pub fn webhook_id(&self) -> Option<WebhookId> {
        self.sk.strip_prefix(PREFIX)?.parse().ok()
    }
}

fn key_of(webhook: &WebhookKey) -> Item {
    HealthItem::key_of(&webhook.shop, &webhook.app, webhook.id)
}

/// The sort key of the item of a webhook's health.
pub fn health_sort_key(id: WebhookId) -> String {
    format!("{PREFIX}{:020}", id.get())
}

/// A recovery, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedRecovery {
    /// The webhook that recovers.
    #[serde(flatten)]
    pub webhook: WebhookKey,
    /// When it was listed last.
    pub listed_at: Timestamp,
}

impl ListedRecovery {
    fn key_of(webhook_id: WebhookId) -> Item {
        key(LISTED, &format!("{:020}", webhook_id.get()))
    }
}

/// The registry, for programs that change recoveries.
#[derive(Clone)]
pub struct HealthTable {
    /// Its client.
    pub client: Client,
    /// Its name.
    pub name: String,
}

impl HealthTable {
    /// Loads a webhook's health, strongly consistent.
    ///
    /// # Errors
    ///
    /// The call failed, or the item is malformed.
    pub async fn load(&self, webhook: &WebhookKey) -> Result<Option<HealthItem>, TableError> {
        let key = key_of(webhook);
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        get.send().await?.item.map(table::from_item).transpose()
    }

    /// Writes a webhook's recovery over the version that it was made from. `has_recovered` ends the
    /// failure run as well. Returns whether it is written; if not, somebody
    /// else wrote first.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn put_recovery(
        &self,
        webhook: &WebhookKey,
        before: u64,
        after: &Recovery,
        has_recovered: bool,
    ) -> Result<bool, TableError> {
        let run = if has_recovered { ", since, attempts, warned" } else { "" };
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_of(webhook)))
            .update_expression(format!(
                "SET recovery = :recovery, recovery_version = :after REMOVE expires_at{run}"
            ))
            .expression_attribute_values(":recovery", table::to_value(after)?)
            .expression_attribute_values(":after", number(before + 1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = match before {
            0 => update.condition_expression("attribute_not_exists(recovery_version)"),
            _ => update
                .condition_expression("recovery_version = :before")
                .expression_attribute_values(":before", number(before)),
        };
        let Err(conflict) = table::conditional(update.send().await)? else { return Ok(true) };
        // The SDK may have sent the write again after its response was lost.
        let found: Option<HealthItem> = conflict.item.map(table::from_item).transpose()?;
        let is_own = found.is_some_and(|found| {
            found.recovery_version == before + 1 && found.recovery.as_ref() == Some(after)
        });
        Ok(is_own)
    }

    /// Ends a recovery of this version, and forgets its entry in the list. Returns false if somebody
    /// else wrote first.
    ///
    /// # Errors
    ///
    /// A call failed.
    pub async fn end_recovery(
        &self,
        webhook: &WebhookKey,
        before: u64,
        now: Timestamp,
    ) -> Result<bool, TableError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_of(webhook)))
            .update_expression("SET recovery_version = :after, expires_at = :expires_at REMOVE recovery")
            .condition_expression("recovery_version = :before")
            .expression_attribute_values(":before", number(before))
            .expression_attribute_values(":after", number(before + 1))
            .expression_attribute_values(":expires_at", number(HealthItem::expiry(now)));
        if table::conditional(update.send().await)?.is_err() {
            return Ok(false);
        }
        self.forget(webhook.id).await?;
        Ok(true)
    }

    /// Lists a recovery, before it begins.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn list(&self, webhook: &WebhookKey, now: Timestamp) -> Result<(), TableError> {
        let mut item = table::to_item(ListedRecovery { webhook: webhook.clone(), listed_at: now })?;
        item.extend(ListedRecovery::key_of(webhook.id));
        self.client.put_item().table_name(&self.name).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Deletes the entry of a recovery.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn forget(&self, webhook_id: WebhookId) -> Result<(), TableError> {
        let key = ListedRecovery::key_of(webhook_id);
        self.client.delete_item().table_name(&self.name).set_key(Some(key)).send().await?;
        Ok(())
    }

    /// Loads all listed recoveries.
    ///
    /// # Errors
    ///
    /// A call failed.
    pub async fn listed(&self) -> Result<Vec<ListedRecovery>, TableError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(LISTED));
        let mut found = query.into_paginator().items().send();
        let mut listed = Vec::new();
        while let Some(item) = found.next().await {
            listed.extend(table::readable(item?, "listed recovery"));
        }
        Ok(listed)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_zero(version: &u64) -> bool {
    *version == 0
}

impl HealthTable {
    /// Sets how many of a webhook's deliveries wait for a retry, once they were counted.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn put_waiting(&self, webhook: &WebhookKey, waiting: u64) -> Result<(), TableError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_of(webhook)))
            .update_expression("SET waiting = :waiting")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":waiting", number(waiting));
        // Without an item, nobody counts.
        let _is_set = table::conditional(update.send().await)?.is_ok();
        Ok(())
    }
}
