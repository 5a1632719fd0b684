//! Disabling a webhook that has failed for too long, or whose endpoint is gone.
//!
//! Of the attempts that would disable the webhook, one does, and publishes the event that tells the
//! app. If it cannot publish, it enables the webhook again, and the next attempt tries anew. If the
//! process dies in between, the webhook stays disabled and its app is not told.

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::Timestamp;
use storehook_aws::table::{self, Item, TableError, number, text};
use storehook_domain::webhook::{Status, Webhook, operational_events::disabled_event, whole_second};

use super::{Health, HealthError};

impl Health {
    /// Disables a webhook and tells its app, unless the webhook has been changed meanwhile. `by` names
    /// the attempt. Returns whether the webhook is disabled.
    pub(super) async fn disable(
        &self,
        webhook: &Webhook,
        reason: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, HealthError> {
        let (enabled, disabled) = (webhook.version, webhook.version + 1);
        let versions = (enabled, disabled);
        if !self.set_status(webhook, Status::Disabled, versions, whole_second(now), by).await? {
            return Ok(false);
        }
        if let Err(error) = self.publish(webhook, disabled_event(webhook, reason, now)).await {
            // With its version the webhook keeps its failure run, so the next attempt disables it.
            let versions = (disabled, enabled);
            self.set_status(webhook, webhook.status, versions, webhook.updated_at, by).await?;
            return Err(error);
        }
        let Webhook { id, shop, app, .. } = webhook;
        tracing::warn!(webhook.id = %id, event.shop = %shop, event.app = %app, reason, "webhook disabled");
        Ok(true)
    }

    /// Sets a webhook's status and version if it still has the version `before`, and notes the attempt
    /// `by`. Returns whether this attempt has set them.
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
            .update_of(webhook)
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
