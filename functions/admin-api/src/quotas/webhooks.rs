//! The count of an installation's webhooks, in its item of the registry.
//!
//! The transaction that creates or deletes a webhook must look at the installation anyway, to see
//! that the caller's app is still installed. It changes the count in the same write, which costs
//! what the look alone would: DynamoDB charges a condition check in a transaction as a write
//! ("Amazon DynamoDB Transactions: How it works", *Capacity management*). If the SDK sends the
//! transaction again, DynamoDB knows it, so nothing counts twice.
//!
//! A write that the installation refuses is judged by the item as it is then: the app may be
//! uninstalled, the quota may be reached, or the count may be missing or doubtful
//! ([`WebhookQuota`]). In the last case DynamoDB counts the webhooks, and the write is made again.
//! The new count is written on the condition that nobody has changed the old one meanwhile. One
//! case escapes it: another webhook is created and a third one deleted while DynamoDB counts. The
//! count may then be wrong by one, until it is counted again.
//!
//! An uninstallation leaves the count alone: the next installation of the app begins with none.

use aws_sdk_dynamodb::{Client, types::Select};
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
    /// anew.
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
        // Whoever was faster has counted or changed the count: the next try sees it.
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
            .select(Select::Count)
            .key_condition_expression("pk = :pk AND begins_with(sk, :webhook)")
            .expression_attribute_values(":pk", text(registry::partition_of(&caller.shop, &caller.app)))
            .expression_attribute_values(":webhook", text(WEBHOOK_SORT_KEY_PREFIX));
        let (mut pages, mut count) = (query.into_paginator().send(), 0);
        while let Some(page) = pages.next().await {
            count += u64::try_from(page?.count).unwrap_or_default();
        }
        Ok(count)
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
mod tests {
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use crate::stand_in::{Api, TestResult};

    const REFUSED: [&str; 3] = ["ConditionalCheckFailed", "None", "None"];

    /// An API whose installation has this count, which was checked so many minutes ago.
    async fn api_with(webhooks: Option<u64>, minutes: i64) -> Result<Api, Box<dyn std::error::Error>> {
        let api = Api::with(&[("RATE_LIMIT_BURST", "0"), ("WEBHOOKS_PER_INSTALLATION", "2")]).await?;
        let mut item = api.item("INSTALLATION").ok_or("no installation")?;
        let members = item.as_object_mut().ok_or("no item")?;
        members.remove("webhook_count");
        members.remove("webhooks_counted_at");
        if let Some(webhooks) = webhooks {
            let counted_at = storehook_aws::now() - jiff::SignedDuration::from_mins(minutes);
            members.insert("webhook_count".to_owned(), json!({"N": webhooks.to_string()}));
            members.insert("webhooks_counted_at".to_owned(), json!({"S": counted_at.to_string()}));
        }
        api.put_json(item);
        api.reply("UpdateItem", json!({"Attributes": {"value": {"N": "9"}}}));
        Ok(api)
    }

    fn new() -> Value {
        json!({"webhook": {"topic": "orders/create", "address": "https://c.example/"}})
    }

    #[tokio::test]
    async fn each_creation_and_deletion_changes_the_count_on_its_condition() -> TestResult {
        let of_caller = "#token = :token AND attribute_not_exists(uninstalled_at) AND ";
        for (limit, request, change, condition, most) in [
            ("2", "POST /admin/webhooks", "webhook_count + :one", "webhook_count < :limit", Some("2")),
            ("0", "POST /admin/webhooks", "webhook_count + :one", "attribute_exists(webhook_count)", None),
            ("2", "DELETE /admin/webhooks/7", "webhook_count - :one", "webhook_count >= :one", None),
        ] {
            let api = Api::with(&[("RATE_LIMIT_BURST", "0"), ("WEBHOOKS_PER_INSTALLATION", limit)]).await?;
            api.reply("UpdateItem", json!({"Attributes": {"value": {"N": "9"}}}));
            let (status, ..) = api.send(request, new()).await?;
            assert!(status.is_success(), "{status}");
            let call = &api.calls("TransactWriteItems")[0];
            assert_eq!(call["TransactItems"].as_array().map(Vec::len), Some(3), "it costs no further write");
            let update = &call["TransactItems"][0]["Update"];
            assert_eq!(update["Key"]["sk"], json!({"S": "INSTALLATION"}));
            assert_eq!(update["UpdateExpression"], format!("SET webhook_count = {change}"));
            assert_eq!(update["ConditionExpression"], format!("{of_caller}{condition}"));
            assert_eq!(update["ExpressionAttributeValues"][":limit"]["N"].as_str(), most);
            // One read is of the token, and one of the webhook that is deleted.
            let reads = if request.starts_with("DELETE") { 2 } else { 1 };
            assert_eq!((api.calls("GetItem").len(), api.calls("Query").len()), (reads, 0));
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_webhook_over_the_quota_is_refused_with_the_quota() -> TestResult {
        let told = "An app may have 2 webhooks on a shop, and this one has them: delete one first";
        // A count that nobody has checked for ten minutes does not refuse.
        for (webhooks, minutes, counted, is_counted) in [(2, 9, 0, false), (2, 11, 2, true), (3, 11, 5, true)]
        {
            let api = api_with(Some(webhooks), minutes).await?;
            api.cancel(&REFUSED);
            api.reply("Query", json!({"Count": counted}));
            let (status, _, body) = api.send("POST /admin/webhooks", new()).await?;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(body, json!({"errors": {"base": [told]}}));
            assert_eq!(api.calls("Query").len(), usize::from(is_counted), "{webhooks} {minutes}");
            assert_eq!(api.calls("TransactWriteItems").len(), 1);
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_missing_or_wrong_count_is_counted_anew_and_the_write_made_again() -> TestResult {
        for (request, webhooks, condition) in [
            ("POST /admin/webhooks", None, "attribute_not_exists(webhook_count)"),
            ("POST /admin/webhooks", Some(2), "webhook_count = :seen"),
            ("DELETE /admin/webhooks/7", None, "attribute_not_exists(webhook_count)"),
            ("DELETE /admin/webhooks/7", Some(0), "webhook_count = :seen"),
        ] {
            let api = api_with(webhooks, 11).await?;
            api.cancel(&REFUSED);
            api.reply("Query", json!({"Count": 1}));
            let (status, ..) = api.send(request, new()).await?;
            assert!(status.is_success(), "{request} {webhooks:?}: {status}");
            assert_eq!(api.calls("TransactWriteItems").len(), 2);
            let update = api.calls("UpdateItem").pop().ok_or("no update")?;
            assert_eq!(update["ExpressionAttributeValues"][":counted"], json!({"N": "1"}));
            assert_eq!(update["ConditionExpression"], format!("#token = :token AND {condition}"));
        }
        Ok(())
    }

    /// Somebody deletes a webhook between the refusal and the look at the count.
    #[tokio::test]
    async fn a_webhook_that_fits_by_now_is_created() -> TestResult {
        let api = api_with(Some(1), 0).await?;
        api.cancel(&REFUSED);
        let (status, ..) = api.send("POST /admin/webhooks", new()).await?;
        assert_eq!((status, api.calls("TransactWriteItems").len()), (StatusCode::CREATED, 2));
        assert_eq!(api.calls("Query").len(), 0);
        Ok(())
    }

    #[tokio::test]
    async fn a_refusal_of_an_uninstalled_app_is_not_taken_for_one_of_the_quota() -> TestResult {
        let ended =
            [("uninstalled_at", json!({"S": "2026-11-22T15:00:00Z"})), ("token", json!({"S": "TOKEN#0"}))];
        for (member, value) in ended {
            for request in ["POST /admin/webhooks", "DELETE /admin/webhooks/7"] {
                let api = api_with(Some(2), 0).await?;
                let mut item = api.item("INSTALLATION").ok_or("no installation")?;
                item[member] = value.clone();
                api.put_json(item);
                api.cancel(&REFUSED);
                let (status, ..) = api.send(request, new()).await?;
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{member}: {request}");
            }
        }
        Ok(())
    }
}
