//! The list of recoveries: a partition of its own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use storehook_domain::webhook::{WebhookId, WebhookKey};

use super::table::HealthTable;
use crate::table::{self, Item, TableError, key, number, text};

/// The partition of the listed recoveries.
const LISTED: &str = "RECOVERIES";

/// A recovery, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedRecovery {
    /// The webhook that recovers.
    #[serde(flatten)]
    pub webhook: WebhookKey,
    /// When it was listed last.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub listed_at: Timestamp,
}

impl ListedRecovery {
    fn key_of(webhook_id: WebhookId) -> Item {
        key(LISTED, &format!("{:020}", webhook_id.get()))
    }
}

impl HealthTable {
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

    /// Deletes the entry of a recovery, unless the recovery was listed again after this time.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn forget(&self, webhook_id: WebhookId, listed_by: Timestamp) -> Result<(), TableError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(ListedRecovery::key_of(webhook_id)))
            .condition_expression("listed_at <= :listed_by")
            .expression_attribute_values(":listed_by", number(listed_by.as_millisecond()));
        let _is_deleted = table::conditional(delete.send().await)?.is_ok();
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
