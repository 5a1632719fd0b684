//! Transactions over a webhook and its slot, in an installation.
//!
//! A transaction is made, or refused for a reason that its caller can act on. DynamoDB also cancels
//! a transaction that meets another one over the same items, the installation among them: requests
//! of one app that come together meet so. Such a transaction is repeated here, after a random wait,
//! and is [`WriteError::Contended`] after about 4 seconds.
//!
//! If the response to a transaction is lost, the SDK sends it again with the same
//! `ClientRequestToken`, and DynamoDB answers that it was made: it knows the token for 10 minutes
//! after the transaction ("Amazon DynamoDB Transactions: How it works", *Idempotency*). So no
//! creation is refused because of itself. A transaction that is repeated here is a new call, with a
//! new token.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{ConditionCheck, Delete, Put, TransactWriteItem, Update},
};
use storehook_aws::{
    registry,
    table::{self, Contended, Item, TableError, number, text},
    waits_after_conflict,
};
use storehook_domain::webhook::quota::{CountChange, Judgement, QuotaReached, WebhookQuota};

use crate::{http::caller::Caller, quotas::webhooks::WebhookCounts};

/// Why a write was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("another webhook of the installation has this topic, address, format and protocol")]
    Taken,
    #[error("another request changed or deleted the webhook first")]
    Conflict,
    #[error(transparent)]
    Contended(#[from] Contended),
    /// Where the write counts, the count may be the reason instead.
    #[error("the app was uninstalled")]
    Uninstalled,
    #[error(transparent)]
    Full(#[from] QuotaReached),
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Makes all of the writes, or none. The check of the installation comes first, the write of the
/// webhook second, and that of its slot third.
pub(crate) async fn write(client: &Client, writes: Vec<TransactWriteItem>) -> Result<(), WriteError> {
    let mut waits = waits_after_conflict(fastrand::f64);
    loop {
        let transaction = client.transact_write_items().set_transact_items(Some(writes.clone()));
        let Err(error) = transaction.send().await else { return Ok(()) };
        match Refusal::of(&reasons_of(&error)) {
            Some(Refusal::Uninstalled) => return Err(WriteError::Uninstalled),
            Some(Refusal::Changed) => return Err(WriteError::Conflict),
            Some(Refusal::Taken) => return Err(WriteError::Taken),
            Some(Refusal::Busy) => match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(WriteError::Contended(Contended)),
            },
            None => return Err(WriteError::Table(error.into())),
        }
    }
}

/// Makes all of the writes, with the check of the installation before them, and changes its count;
/// or makes none.
pub(crate) async fn write_counted(
    counts: &WebhookCounts,
    caller: &Caller,
    change: CountChange,
    writes: Vec<TransactWriteItem>,
) -> Result<(), WriteError> {
    let mut all = vec![count(&counts.table, caller, change, counts.quota)?];
    all.extend(writes);
    let all = &all;
    table::change(|| async move {
        match write(&counts.client, all.clone()).await {
            Err(WriteError::Uninstalled) => match counts.judge(caller, change).await? {
                None => Err(WriteError::Uninstalled),
                Some(Judgement::Full(reached)) => Err(WriteError::Full(reached)),
                Some(Judgement::Write) => Ok(None),
                // There is none to delete.
                Some(Judgement::Count) => Err(WriteError::Conflict),
            },
            written => written.map(Some),
        }
    })
    .await
}

/// The installation is the one that the caller speaks for, and the app is still installed.
const IS_INSTALLED: &str = "#token = :token AND attribute_not_exists(uninstalled_at)";

/// Checks that the app is still installed, by the installation that the caller speaks for.
pub(crate) fn check_installed(table: &str, caller: &Caller) -> Result<TransactWriteItem, TableError> {
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(registry::installation_key(&caller.shop, &caller.app)))
        .condition_expression(IS_INSTALLED)
        .expression_attribute_names("#token", "token")
        .expression_attribute_values(":token", text(registry::token_partition(&caller.token)));
    Ok(TransactWriteItem::builder().condition_check(check.build()?).build())
}

/// Checks the same, and changes the installation's count of webhooks if the quota permits it.
fn count(
    table: &str,
    caller: &Caller,
    change: CountChange,
    quota: WebhookQuota,
) -> Result<TransactWriteItem, TableError> {
    let (expression, condition) = match (change, quota.limit()) {
        (CountChange::Created, Some(_)) => ("webhook_count + :one", "webhook_count < :limit"),
        (CountChange::Created, None) => ("webhook_count + :one", "attribute_exists(webhook_count)"),
        (CountChange::Deleted, _) => ("webhook_count - :one", "webhook_count >= :one"),
    };
    let limit = quota.limit().filter(|_| change == CountChange::Created);
    let mut update = Update::builder()
        .table_name(table)
        .set_key(Some(registry::installation_key(&caller.shop, &caller.app)))
        .update_expression(format!("SET webhook_count = {expression}"))
        .condition_expression(format!("{IS_INSTALLED} AND {condition}"))
        .expression_attribute_names("#token", "token")
        .expression_attribute_values(":token", text(registry::token_partition(&caller.token)))
        .expression_attribute_values(":one", number(1_u64));
    if let Some(limit) = limit {
        update = update.expression_attribute_values(":limit", number(limit.get()));
    }
    Ok(TransactWriteItem::builder().update(update.build()?).build())
}

/// Puts an item that is not there yet.
pub(crate) fn put_new<T: serde::Serialize>(table: &str, item: T) -> Result<TransactWriteItem, TableError> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(table::to_item(item)?))
        .condition_expression("attribute_not_exists(pk)");
    Ok(TransactWriteItem::builder().put(put.build()?).build())
}

/// Deletes an item, if it has this version where one is given.
pub(crate) fn delete(table: &str, key: Item, version: Option<u64>) -> Result<TransactWriteItem, TableError> {
    let mut delete = Delete::builder().table_name(table).set_key(Some(key));
    if let Some(version) = version {
        delete = delete
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(version));
    }
    Ok(TransactWriteItem::builder().delete(delete.build()?).build())
}

/// Why DynamoDB cancelled a transaction.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// The installation is not the caller's any more, or its count refuses the write.
    Uninstalled,
    /// The webhook is not what the write was made from.
    Changed,
    /// Another webhook holds the slot.
    Taken,
    /// The transaction met another one.
    Busy,
}

impl Refusal {
    /// Reads the reasons, one for each write in its order. If the webhook has changed, its slot
    /// tells nothing: the change that came first may hold it.
    fn of(reasons: &[&str]) -> Option<Self> {
        const FAILED: &str = "ConditionalCheckFailed";
        match reasons {
            [installation, ..] if *installation == FAILED => Some(Self::Uninstalled),
            [_, webhook, ..] if *webhook == FAILED => Some(Self::Changed),
            reasons if reasons.contains(&"TransactionConflict") => Some(Self::Busy),
            [_, _, slot, ..] if *slot == FAILED => Some(Self::Taken),
            _ => None,
        }
    }
}

/// The codes of a cancelled transaction's reasons; empty for any other error.
fn reasons_of<R>(error: &SdkError<TransactWriteItemsError, R>) -> Vec<&str> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_tell_a_changed_webhook_from_a_taken_slot() {
        let (failed, conflict) = ("ConditionalCheckFailed", "TransactionConflict");
        for (reasons, refusal) in [
            (&[][..], None),
            (&["None", "None", "None"], None),
            (&[failed, "None", "None"], Some(Refusal::Uninstalled)),
            (&[failed, failed, failed], Some(Refusal::Uninstalled)),
            (&["None", "None", failed], Some(Refusal::Taken)),
            (&["None", "None", failed, "None"], Some(Refusal::Taken)),
            (&["None", failed, "None"], Some(Refusal::Changed)),
            (&["None", failed, failed, "None"], Some(Refusal::Changed)),
            (&["None", conflict, failed], Some(Refusal::Busy)),
            (&[conflict, "None", "None"], Some(Refusal::Busy)),
            (&["None", "None", conflict], Some(Refusal::Busy)),
            (&["None", "ThrottlingError", "None"], None),
        ] {
            assert_eq!(Refusal::of(reasons), refusal, "{reasons:?}");
        }
    }
}
