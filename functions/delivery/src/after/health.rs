//! What attempts leave behind in the registry: how long a webhook has done nothing but fail, and
//! that it is disabled.
//!
//! None of it decides what becomes of the delivery: a record that cannot be written is
//! told to the log, and the next attempt writes it. Of many attempts that would disable a
//! webhook at once one does, and tells the app; if it cannot, the webhook is as it was, and
//! the next attempt tries again. Only a process that dies or runs out of time in between leaves
//! a webhook disabled whose app has not been told.

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::ReturnValue,
};
use aws_sdk_kinesis::primitives::Blob;
use jiff::Timestamp;
use storehook_aws::{
    registry::{self, FailureRunItem},
    table::{self, TableError, number, text},
};
use storehook_domain::{
    delivery::outcome::Outcome,
    webhook::{
        Status, Webhook,
        disabled_event::disabled_event,
        failure_run::{DISABLED_AFTER_ATTEMPTS, FailureRun},
        whole_second,
    },
};

use crate::{attempt::Attempt, lookup::Target};

/// Writes what attempts leave behind.
#[derive(Clone)]
pub(crate) struct Records {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) kinesis: aws_sdk_kinesis::Client,
    pub(crate) registry_table: String,
    pub(crate) stream: String,
}

/// Why a record was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("the event could not be published")]
    Stream(#[source] Box<aws_sdk_kinesis::Error>),
}

impl Records {
    /// Writes what an attempt leaves behind.
    pub(crate) async fn of(&self, attempt: &Attempt, now: Timestamp) -> Result<(), RecordError> {
        let webhook = &attempt.target.webhook;
        match &attempt.outcome {
            Outcome::Delivered => self.delivered(&attempt.target).await,
            Outcome::Delayed(_) => Ok(()),
            outcome if outcome.is_gone() => {
                self.disable(webhook, "the endpoint answered 410 Gone", now).await
            }
            Outcome::Failed { .. } => self.failed(&attempt.target, now).await,
        }
    }

    /// Ends the webhook's failure run, if it has one.
    async fn delivered(&self, target: &Target) -> Result<(), RecordError> {
        if target.failures.is_some() {
            let Webhook { shop, app, id, .. } = &target.webhook;
            let key = Some(FailureRunItem::key_of(shop, app, *id));
            let delete = self.dynamodb.delete_item().table_name(&self.registry_table).set_key(key);
            delete.send().await.map_err(TableError::from)?;
        }
        Ok(())
    }

    /// Counts a failed attempt, and disables the webhook if it has been failing for too long.
    async fn failed(&self, target: &Target, now: Timestamp) -> Result<(), RecordError> {
        let Target { webhook, failures, .. } = target;
        let known = failures.as_ref().filter(|item| item.webhook_version == webhook.version);
        let run = match known {
            // More attempts than are asked for make no difference, and a busy webhook fails often.
            Some(item) if item.run.attempts >= DISABLED_AFTER_ATTEMPTS => item.run,
            _ => self.count(webhook, now).await?,
        };
        if run.is_too_long(now) {
            let reason = format!(
                "at least {} attempts have failed since {}, and none has not",
                run.attempts, run.since
            );
            self.disable(webhook, &reason, now).await?;
        }
        Ok(())
    }

    /// Adds a failed attempt to the webhook's run, or begins one.
    async fn count(&self, webhook: &Webhook, now: Timestamp) -> Result<FailureRun, TableError> {
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
        match update.send().await {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                Ok(table::from_item::<FailureRunItem>(item)?.run)
            }
            Err(error) if is_refused(&error) => self.begin(webhook, now).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Begins a run, unless one of a later version of the webhook has begun.
    async fn begin(&self, webhook: &Webhook, now: Timestamp) -> Result<FailureRun, TableError> {
        let run = FailureRun { since: now, attempts: 1 };
        let item = table::to_item(FailureRunItem::of(webhook, run))?;
        let put = self.dynamodb.put_item().table_name(&self.registry_table).set_item(Some(item));
        let put = put
            .condition_expression("attribute_not_exists(pk) OR webhook_version <= :version")
            .expression_attribute_values(":version", number(webhook.version));
        match put.send().await {
            Err(error)
                if !matches!(
                    error.as_service_error(),
                    Some(PutItemError::ConditionalCheckFailedException(_))
                ) =>
            {
                Err(error.into())
            }
            _ => Ok(run),
        }
    }

    /// Disables a webhook and tells its app, unless the webhook has been changed meanwhile.
    async fn disable(&self, webhook: &Webhook, reason: &str, now: Timestamp) -> Result<(), RecordError> {
        if !self.set_status(webhook, Status::Disabled, webhook.version, whole_second(now)).await? {
            return Ok(());
        }
        let Webhook { id, shop, app, .. } = webhook;
        let put = self.kinesis.put_record().stream_name(&self.stream).partition_key(format!("{shop}/{id}"));
        let put = put.data(Blob::new(disabled_event(webhook, reason, now)));
        if let Err(error) = put.send().await {
            self.set_status(webhook, webhook.status, webhook.version + 1, webhook.updated_at).await?;
            return Err(RecordError::Stream(Box::new(error.into())));
        }
        tracing::warn!(webhook.id = %id, event.shop = %shop, event.app = %app, reason, "webhook disabled");
        Ok(())
    }

    /// Sets a webhook's status, if it still has this version. Returns whether it had.
    async fn set_status(
        &self,
        webhook: &Webhook,
        status: Status,
        version: u64,
        updated_at: Timestamp,
    ) -> Result<bool, TableError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.registry_table)
            .set_key(Some(registry::webhook_key(&webhook.shop, &webhook.app, webhook.id)))
            .update_expression("SET #status = :status, updated_at = :updated_at, version = version + :one")
            .condition_expression("version = :version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(status.as_str()))
            .expression_attribute_values(":updated_at", text(updated_at.to_string()))
            .expression_attribute_values(":one", number(1_u64))
            .expression_attribute_values(":version", number(version));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_refused(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a write was refused by its condition.
fn is_refused<R>(error: &aws_sdk_dynamodb::error::SdkError<UpdateItemError, R>) -> bool {
    matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_)))
}
