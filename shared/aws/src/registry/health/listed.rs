//! The list of recoveries: a partition of its own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use storehook_domain::webhook::{WebhookId, WebhookKey};

use super::table::HealthTable;
use crate::table::{self, Item, TableError, key, text};

/// The partition of the listed recoveries.
const LISTED: &str = "RECOVERIES";

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
