//! The count of an installation's webhooks, in its item of the registry.
//!
//! The transaction that creates or deletes a webhook must check the installation anyway, to see
//! that the caller's app is still installed. It changes the count in the same write, which costs
//! no more than the check alone: DynamoDB charges a condition check in a transaction as a write
//! ("Amazon DynamoDB Transactions: How it works", *Capacity management*). If the SDK sends the
//! transaction again, DynamoDB knows it, so nothing counts twice.
//!
//! A write that the installation refuses is judged by the item as it is then: the app may be
//! uninstalled, the quota may be reached, or the count may be missing or doubtful
//! ([`WebhookQuota`]). In the last case DynamoDB counts the webhooks, and the write is made again.
//! The new count is written on the condition that the old one is still there. The condition misses
//! one case: while DynamoDB counts, one webhook is created and another one deleted. The count may then
//! be wrong by one, until the webhooks are counted again.
//!
//! An uninstallation leaves the count as it is: the next installation of the app begins without one.

use aws_sdk_dynamodb::Client;
use storehook_aws::{
    registry::{self, InstallationItem, InstallationState, WEBHOOK_SORT_KEY_PREFIX},
    table::{self, TableError, number, text},
};
use storehook_domain::webhook::quota::{CountChange, Judgement, WebhookCount, WebhookQuota};

use crate::http::caller::Caller;

/// The counts of the registry's installations.
#[derive(Clone)]
pub(crate) struct WebhookCounts {
    pub(crate) client: Client,
    pub(crate) table: String,
    /// How many webhooks an installation may have.
    pub(crate) quota: WebhookQuota,
}

impl WebhookCounts {
    /// How many webhooks the caller's installation has; `None` if the app is uninstalled. The read
    /// is eventually consistent, which costs half.
    pub(crate) async fn number(&self, caller: &Caller) -> Result<Option<u64>, TableError> {
        let Some(item) = self.load_installation(caller, false).await? else { return Ok(None) };
        match item.webhook_count() {
            Some(count) => Ok(Some(count.webhooks)),
            None => Ok(Some(self.count_anew(caller, None).await?.webhooks)),
        }
    }

    /// Judges a write that the caller's installation refused, by the installation as it is now.
    /// `None` if the app is uninstalled. If the count is missing or in doubt, it has been counted
    /// anew; [`Judgement::Count`] then means that there is no webhook to delete.
    pub(crate) async fn judge(
        &self,
        caller: &Caller,
        change: CountChange,
    ) -> Result<Option<Judgement>, TableError> {
        let Some(item) = self.load_installation(caller, true).await? else { return Ok(None) };
        let (count, now) = (item.webhook_count(), storehook_aws::now());
        let judgement = match self.quota.judge(change, count, now) {
            Judgement::Count => {
                let counted = self.count_anew(caller, count).await?;
                self.quota.judge(change, Some(counted), now)
            }
            judgement => judgement,
        };
        Ok(Some(judgement))
    }

    /// Counts the webhooks, and writes the count if the one that was seen is still there.
    async fn count_anew(
        &self,
        caller: &Caller,
        seen: Option<WebhookCount>,
    ) -> Result<WebhookCount, TableError> {
        let webhooks = self.query_count(caller).await?;
        let counted = WebhookCount { webhooks, counted_at: storehook_aws::now() };
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(registry::installation_key(&caller.shop, &caller.app)))
            .update_expression("SET webhook_count = :counted, webhooks_counted_at = :now")
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":token", text(registry::token_partition(&caller.token)))
            .expression_attribute_values(":counted", number(counted.webhooks))
            .expression_attribute_values(":now", table::to_value(counted.counted_at)?);
        let update = match seen {
            None => update.condition_expression("#token = :token AND attribute_not_exists(webhook_count)"),
            Some(seen) => update
                .condition_expression("#token = :token AND webhook_count = :seen")
                .expression_attribute_values(":seen", number(seen.webhooks)),
        };
        // If another request was faster, it has written the count: the next try sees that.
        let _ = table::conditional(update.send().await)?;
        tracing::info!(
            caller.shop = %caller.shop,
            caller.app = %caller.app,
            webhooks = counted.webhooks,
            before = seen.map(|seen| seen.webhooks),
            "webhooks counted"
        );
        Ok(counted)
    }

    /// Lets DynamoDB count the webhooks.
    async fn query_count(&self, caller: &Caller) -> Result<u64, TableError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :webhook)")
            .expression_attribute_values(":pk", text(registry::partition_of(&caller.shop, &caller.app)))
            .expression_attribute_values(":webhook", text(WEBHOOK_SORT_KEY_PREFIX));
        table::count(query).await
    }

    /// Loads the caller's installation; `None` if the app is uninstalled.
    async fn load_installation(
        &self,
        caller: &Caller,
        is_consistent: bool,
    ) -> Result<Option<InstallationItem>, TableError> {
        let key = registry::installation_key(&caller.shop, &caller.app);
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key));
        let item = get.consistent_read(is_consistent).send().await?.item;
        let item: Option<InstallationItem> = item.map(table::from_item).transpose()?;
        let is_callers = |item: &InstallationItem| {
            item.token() == registry::token_partition(&caller.token)
                && item.state() == InstallationState::Installed
        };
        Ok(item.filter(is_callers))
    }
}

#[cfg(test)]
mod tests;
