//! What an attempt leaves behind: that a delivery has been delivered, how long a webhook
//! has done nothing but fail, and that a webhook is disabled.
//!
//! None of it decides what becomes of the delivery: a record that cannot be written is
//! told to the log, and the next attempt writes it. A webhook is disabled after its event is
//! on the stream and not before, so that no app loses a webhook without hearing of it; the
//! event's id is the same each time, so that it hears of it once.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue},
};
use aws_sdk_kinesis::primitives::Blob;
use jiff::Timestamp;
use storehook_aws::{
    history::DeliveredItem,
    registry::{self, FailureRunItem, RegistryError},
};
use storehook_domain::{Delivery, FailureRun, Outcome, Webhook, disabled_event, whole_second};

use crate::{attempt::Attempt, targets::Target};

/// Writes what attempts leave behind.
#[derive(Clone)]
pub(crate) struct Records {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) kinesis: aws_sdk_kinesis::Client,
    pub(crate) registry_table: String,
    pub(crate) history_table: String,
    pub(crate) stream: String,
}

/// Why a record was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error(transparent)]
    Table(#[from] RegistryError),
    #[error("the event could not be published")]
    Stream(#[source] Box<aws_sdk_kinesis::Error>),
}

impl Records {
    /// Writes what an attempt leaves behind.
    pub(crate) async fn of(
        &self,
        delivery: &Delivery<'_>,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<(), RecordError> {
        let webhook = &attempt.target.webhook;
        match &attempt.outcome {
            Outcome::Delivered => self.delivered(delivery, &attempt.target, now).await,
            Outcome::Delayed(_) => Ok(()),
            outcome if outcome.is_gone() => {
                self.disable(webhook, "the endpoint answered 410 Gone", now).await
            }
            Outcome::Failed { .. } => self.failed(webhook, now).await,
        }
    }

    /// Writes that a delivery has been delivered, and ends its webhook's failure run.
    async fn delivered(
        &self,
        delivery: &Delivery<'_>,
        target: &Target,
        now: Timestamp,
    ) -> Result<(), RecordError> {
        let item = registry::to_item(DeliveredItem::of(&delivery.id(), now))?;
        let put = self.dynamodb.put_item().table_name(&self.history_table).set_item(Some(item));
        put.send().await.map_err(RegistryError::from)?;
        if target.is_failing {
            let Webhook { shop, app, id, .. } = &target.webhook;
            let key = Some(FailureRunItem::key_of(shop, app, *id));
            let delete = self.dynamodb.delete_item().table_name(&self.registry_table).set_key(key);
            delete.send().await.map_err(RegistryError::from)?;
        }
        Ok(())
    }

    /// Counts a failed attempt, and disables the webhook if it has been failing for too long.
    async fn failed(&self, webhook: &Webhook, now: Timestamp) -> Result<(), RecordError> {
        let run = self.count(webhook, now).await?;
        if run.is_too_long(now) {
            let reason =
                format!("{} attempts have failed since {}, and none has not", run.attempts, run.since);
            self.disable(webhook, &reason, now).await?;
        }
        Ok(())
    }

    /// Adds a failed attempt to the webhook's run, or begins one.
    async fn count(&self, webhook: &Webhook, now: Timestamp) -> Result<FailureRun, RegistryError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.registry_table)
            .set_key(Some(FailureRunItem::key_of(&webhook.shop, &webhook.app, webhook.id)))
            .update_expression("SET attempts = attempts + :one")
            .condition_expression("webhook_version = :version")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":version", number(webhook.version))
            .return_values(ReturnValue::AllNew);
        match update.send().await {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                Ok(registry::from_item::<FailureRunItem>(item)?.run)
            }
            Err(error) if is_refused(&error) => {
                let run = FailureRun { since: now, attempts: 1 };
                let item = registry::to_item(FailureRunItem::of(webhook, run))?;
                self.dynamodb.put_item().table_name(&self.registry_table).set_item(Some(item)).send().await?;
                Ok(run)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Disables a webhook, unless it has been changed meanwhile.
    async fn disable(&self, webhook: &Webhook, reason: &str, now: Timestamp) -> Result<(), RecordError> {
        let event = disabled_event(webhook, reason, now);
        let put = self.kinesis.put_record().stream_name(&self.stream);
        let put = put.partition_key(format!("{}/{}", webhook.shop, webhook.id)).data(Blob::new(event));
        put.send().await.map_err(|error| RecordError::Stream(Box::new(error.into())))?;
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.registry_table)
            .set_key(Some(registry::webhook_key(&webhook.shop, &webhook.app, webhook.id)))
            .update_expression("SET #status = :disabled, updated_at = :now, version = version + :one")
            .condition_expression("version = :version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":disabled", AttributeValue::S("disabled".to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(whole_second(now).to_string()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":version", number(webhook.version));
        match update.send().await {
            Ok(_) => {
                let Webhook { id, shop, app, .. } = webhook;
                tracing::warn!(webhook.id = %id, event.shop = %shop, event.app = %app, reason, "webhook disabled");
                Ok(())
            }
            Err(error) if is_refused(&error) => Ok(()),
            Err(error) => Err(RegistryError::from(error).into()),
        }
    }
}

/// Whether a write was refused by its condition.
fn is_refused<R>(error: &aws_sdk_dynamodb::error::SdkError<UpdateItemError, R>) -> bool {
    matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_)))
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
