//! A webhook's health: its failure run, and disabling a webhook that has failed for too long.
//!
//! A webhook's health does not decide what becomes of the delivery. A write that fails is a line of
//! the log, and the next attempt writes again.
//!
//! Many attempts may be about to disable a webhook at the same moment. One of them does, and
//! publishes the event that tells the app. If it cannot publish, it enables the webhook again, and
//! the next attempt tries anew. If the process dies or runs out of time in between, the webhook
//! stays disabled and its app was not told.
//!
//! The SDK repeats a write whose response was lost, and the repeat may be refused because the first
//! one was made:
//!
//! * The webhook's item names the attempt that disabled it. So a repeat finds its own write, and the
//!   app is told.
//! * The begin of a run is recognised by its time, in nanoseconds.
//! * A further attempt of a run may count twice. That can disable a webhook an attempt or two
//!   early, after five days all the same.
//! * Enabling a webhook again, because its app could not be told, needs no result.
//! * To delete a run twice is to delete it.

use std::time::Duration;

use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use aws_sdk_kinesis::primitives::Blob;
use jiff::Timestamp;
use storehook_aws::{
    CALL_TIMEOUT,
    registry::{self, FailureRunItem},
    table::{self, Contended, Item, TableError, number, text},
};
use storehook_domain::{
    delivery::{
        message::DeliveryMessage,
        outcome::{FailedAttempt, Outcome},
    },
    history::attempt::Attempt,
    webhook::{
        Status, Webhook,
        disabled_event::disabled_event,
        failure_run::{DISABLED_AFTER_ATTEMPTS, FailureRun},
        whole_second,
    },
};

use tokio::time::error::Elapsed;

use crate::lookup::found::Target;

/// How long the event of a disabling may take: a share of [`CALL_TIMEOUT`], so that there is time
/// to enable the webhook again.
const PUBLISH_TIME: Duration = Duration::from_secs(2);

/// Records the health of webhooks.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) kinesis: aws_sdk_kinesis::Client,
    pub(crate) registry_table: String,
    pub(crate) stream: String,
}

/// Why a webhook's health was not recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HealthError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Contended(#[from] Contended),
    #[error("the event could not be published")]
    Stream(#[source] Box<aws_sdk_kinesis::Error>),
    #[error("the event could not be published in time")]
    SlowStream(#[source] Elapsed),
}

impl Health {
    /// Records what an attempt means for its webhook. If that fails, the log says so.
    pub(crate) async fn record(
        &self,
        message: &DeliveryMessage<'_>,
        attempt: &Attempt,
        target: &Target,
        now: Timestamp,
    ) {
        let by = format!("{} {now}", message.envelope.id);
        let recorded = self.record_outcome(&attempt.outcome, target, &by, now);
        let error = match tokio::time::timeout(CALL_TIMEOUT, recorded).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => storehook_aws::causes(&error),
            Err(elapsed) => elapsed.to_string(),
        };
        tracing::error!(delivery.id = %message.envelope.id, error, "webhook's health not recorded");
    }

    /// Records an outcome. `by` names the attempt, and no other.
    async fn record_outcome(
        &self,
        outcome: &Outcome,
        target: &Target,
        by: &str,
        now: Timestamp,
    ) -> Result<(), HealthError> {
        match outcome {
            Outcome::Delivered => self.succeeded(target).await,
            // If the request could not be built, the endpoint saw nothing of it.
            Outcome::Delayed(_) | Outcome::Failed { reason: FailedAttempt::NotBuilt(_), .. } => Ok(()),
            outcome if outcome.is_gone() => {
                self.disable(&target.webhook, "the endpoint responded with 410 Gone", by, now).await
            }
            Outcome::Failed { .. } => self.failed(target, by, now).await,
        }
    }

    /// Ends the webhook's failure run, if it has one.
    async fn succeeded(&self, target: &Target) -> Result<(), HealthError> {
        if target.failures.is_some() {
            let Webhook { shop, app, id, .. } = &target.webhook;
            let key = Some(FailureRunItem::key_of(shop, app, *id));
            let delete = self.dynamodb.delete_item().table_name(&self.registry_table).set_key(key);
            delete.send().await.map_err(TableError::from)?;
        }
        Ok(())
    }

    /// Counts a failed attempt, and disables the webhook if it has been failing for too long.
    async fn failed(&self, target: &Target, by: &str, now: Timestamp) -> Result<(), HealthError> {
        let Target { webhook, failures, .. } = target;
        let known = failures.as_ref().filter(|item| item.webhook_version == webhook.version);
        let run = match known {
            // Beyond the required number, attempts are not counted: a busy webhook fails often.
            Some(item) if item.run.attempts >= DISABLED_AFTER_ATTEMPTS => item.run,
            _ => self.count(webhook, now).await?,
        };
        if run.is_too_long(now) {
            let reason = format!(
                "at least {} attempts have failed since {}, and none has not",
                run.attempts, run.since
            );
            self.disable(webhook, &reason, by, now).await?;
        }
        Ok(())
    }

    /// Adds a failed attempt to the webhook's run, or begins one.
    async fn count(&self, webhook: &Webhook, now: Timestamp) -> Result<FailureRun, HealthError> {
        table::change(|| async move {
            match self.add(webhook, now).await? {
                Some(run) => Ok(Some(run)),
                None => Ok(self.begin(webhook, now).await?),
            }
        })
        .await
    }

    /// Adds a failed attempt to the webhook's run, if it has one.
    async fn add(&self, webhook: &Webhook, now: Timestamp) -> Result<Option<FailureRun>, TableError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.registry_table)
            .set_key(Some(FailureRunItem::key_of(&webhook.shop, &webhook.app, webhook.id)))
            .update_expression("SET attempts = attempts + :one, expires_at = :expires_at")
            .condition_expression("webhook_version = :version")
            .expression_attribute_values(":one", number(1_u64))
            .expression_attribute_values(":expires_at", number(FailureRunItem::expiry(now)))
            .expression_attribute_values(":version", number(webhook.version))
            .return_values(ReturnValue::AllNew);
        let Ok(output) = table::conditional(update.send().await)? else { return Ok(None) };
        Ok(Some(table::from_item::<FailureRunItem>(output.attributes.unwrap_or_default())?.run))
    }

    /// Begins a run. `None` if another attempt has begun one meanwhile, which this one then adds
    /// to.
    async fn begin(&self, webhook: &Webhook, now: Timestamp) -> Result<Option<FailureRun>, TableError> {
        let run = FailureRun { since: now, attempts: 1 };
        let item = table::to_item(FailureRunItem::of(webhook, run))?;
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.registry_table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR webhook_version < :version")
            .expression_attribute_values(":version", number(webhook.version))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(conflict) = table::conditional(put.send().await)? else { return Ok(Some(run)) };
        let found: Option<FailureRunItem> = conflict.item.map(table::from_item).transpose()?;
        // A run of a later version of the webhook has the say, and counts no attempt of an earlier
        // one.
        let is_begun = found.is_some_and(|found| found.run == run || found.webhook_version > webhook.version);
        Ok(is_begun.then_some(run))
    }

    /// Disables a webhook and tells its app, unless the webhook has been changed meanwhile.
    async fn disable(
        &self,
        webhook: &Webhook,
        reason: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<(), HealthError> {
        let (enabled, disabled) = (webhook.version, webhook.version + 1);
        let versions = (enabled, disabled);
        if !self.set_status(webhook, Status::Disabled, versions, whole_second(now), by).await? {
            return Ok(());
        }
        let Webhook { id, shop, app, .. } = webhook;
        let put = self.kinesis.put_record().stream_name(&self.stream).partition_key(format!("{shop}/{id}"));
        let put = put.data(Blob::new(disabled_event(webhook, reason, now)));
        let untold = match tokio::time::timeout(PUBLISH_TIME, put.send()).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(HealthError::Stream(Box::new(error.into()))),
            Err(elapsed) => Some(HealthError::SlowStream(elapsed)),
        };
        if let Some(error) = untold {
            // With its version the webhook keeps its failure run, so the next attempt disables it.
            let versions = (disabled, enabled);
            self.set_status(webhook, webhook.status, versions, webhook.updated_at, by).await?;
            return Err(error);
        }
        tracing::warn!(webhook.id = %id, event.shop = %shop, event.app = %app, reason, "webhook disabled");
        Ok(())
    }

    /// Sets a webhook's status and version, if it still has the version before, and notes by which
    /// attempt. Returns whether it is set by this one.
    async fn set_status(
        &self,
        webhook: &Webhook,
        status: Status,
        (before, after): (u64, u64),
        updated_at: Timestamp,
        by: &str,
    ) -> Result<bool, TableError> {
        let set = "SET #status = :status, status_by = :by, updated_at = :updated_at, version = :after";
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.registry_table)
            .set_key(Some(registry::webhook_key(&webhook.shop, &webhook.app, webhook.id)))
            .update_expression(set)
            .condition_expression("version = :before")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(status.as_str()))
            .expression_attribute_values(":by", text(by))
            .expression_attribute_values(":updated_at", text(updated_at.to_string()))
            .expression_attribute_values(":before", number(before))
            .expression_attribute_values(":after", number(after))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(conflict) = table::conditional(update.send().await)? else { return Ok(true) };
        let written = [("version", number(after)), ("status_by", text(by))];
        let is_own = |found: Item| written.iter().all(|(name, value)| found.get(*name) == Some(value));
        Ok(conflict.item.is_some_and(is_own))
    }
}

#[cfg(test)]
mod tests;
