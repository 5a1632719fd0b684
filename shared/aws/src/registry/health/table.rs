//! Reading and writing health items.

use aws_sdk_dynamodb::{
    Client, operation::update_item::builders::UpdateItemFluentBuilder,
    types::ReturnValuesOnConditionCheckFailure,
};
use jiff::Timestamp;
use storehook_domain::{
    installation::{app::AppId, shop::ShopDomain},
    job::recovery::Recovery,
    webhook::{WebhookId, WebhookKey},
};

use super::item::{HealthItem, health_sort_key, key_of};
use crate::{
    registry::installations::partition_of,
    table::{self, TableError, number, text},
};

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

    /// Loads the health of an app's webhooks with ids from `first` to `last`, strongly consistent.
    ///
    /// # Errors
    ///
    /// A call failed.
    pub async fn load_between(
        &self,
        shop: &ShopDomain,
        app: &AppId,
        (first, last): (WebhookId, WebhookId),
    ) -> Result<Vec<HealthItem>, TableError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(partition_of(shop, app)))
            .expression_attribute_values(":first", text(health_sort_key(first)))
            .expression_attribute_values(":last", text(health_sort_key(last)));
        let mut found = query.into_paginator().items().send();
        let mut healths = Vec::new();
        while let Some(item) = found.next().await {
            healths.extend(table::readable(item?, "health"));
        }
        Ok(healths)
    }

    /// An update of a webhook's health.
    pub fn update(&self, webhook: &WebhookKey) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.name).set_key(Some(key_of(webhook)))
    }

    /// Writes a webhook's recovery over the version from which it was made. `has_recovered` ends the
    /// failure run as well. If somebody else wrote first, it returns the health that is there now.
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
    ) -> Result<Result<(), HealthItem>, TableError> {
        let run = if has_recovered { ", since, attempts, warned, waiting" } else { "" };
        let update = self
            .update(webhook)
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
        let Err(conflict) = table::conditional(update.send().await)? else { return Ok(Ok(())) };
        // The SDK may have sent the write again after its response was lost.
        let found: HealthItem = conflict.item.map(table::from_item).transpose()?.unwrap_or_default();
        let is_own = found.recovery_version == before + 1 && found.recovery.as_ref() == Some(after);
        Ok(if is_own { Ok(()) } else { Err(found) })
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
            .update(webhook)
            .update_expression("SET recovery_version = :after, expires_at = :expires_at REMOVE recovery")
            .condition_expression("recovery_version = :before")
            .expression_attribute_values(":before", number(before))
            .expression_attribute_values(":after", number(before + 1))
            .expression_attribute_values(":expires_at", number(HealthItem::expiry(now)));
        if table::conditional(update.send().await)?.is_err() {
            return Ok(false);
        }
        self.forget(webhook.id, now).await?;
        Ok(true)
    }

    /// Sets how many of a webhook's deliveries wait for a retry, once they were counted.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn put_waiting(&self, webhook: &WebhookKey, waiting: u64) -> Result<(), TableError> {
        let update = self
            .update(webhook)
            .update_expression("SET waiting = :waiting")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":waiting", number(waiting));
        // Without an item, nobody counts.
        let _is_set = table::conditional(update.send().await)?.is_ok();
        Ok(())
    }
}
