//! Counting: the failure run of a webhook, and how many of its deliveries wait for a retry.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::Timestamp;
use storehook_aws::{
    registry::HealthItem,
    table::{self, TableError, number, text},
};
use storehook_domain::{
    delivery::outcome::Outcome,
    webhook::{
        Webhook,
        health::failure_run::{DISABLED_AFTER_ATTEMPTS, FailureRun},
        operational_events::warning_event,
    },
};

use super::{Counted, Health, HealthError};
use crate::lookup::found::Target;

impl Health {
    /// Records that the endpoint works: it took a delivery or asked for it later.
    pub(super) async fn worked(&self, counted: &Counted<'_>) -> Result<(), HealthError> {
        let Counted { target, attempt, waiting, now, .. } = counted;
        if target.health.is_open() {
            Box::pin(self.close(target, *now)).await?;
        }
        let ends_run = attempt.outcome == Outcome::Delivered && target.health.run().is_some();
        if ends_run || *waiting != 0 {
            Box::pin(self.end_run(&target.webhook, ends_run, *waiting)).await?;
        }
        Ok(())
    }

    /// Ends the failure run if `ends_run`, and counts what waits.
    async fn end_run(&self, webhook: &Webhook, ends_run: bool, waiting: i64) -> Result<(), TableError> {
        let removed = if ends_run { " REMOVE since, attempts, warned" } else { "" };
        let update = self
            .table
            .update(&webhook.key())
            .update_expression(format!("ADD waiting :waiting{removed}"))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":waiting", number(waiting));
        // An item that has expired has nothing to count.
        let _is_counted = table::conditional(update.send().await)?.is_ok();
        Ok(())
    }

    /// Counts a failed attempt. Opens the breaker, warns the app or disables the webhook, if it has
    /// been failing for so long. Returns whether it disabled the webhook.
    pub(super) async fn failed(&self, counted: &Counted<'_>) -> Result<bool, HealthError> {
        let Counted { target, waiting, now, .. } = counted;
        let Target { webhook, health, .. } = target;
        let known = health.run().filter(|_| health.webhook_version == webhook.version);
        let run = match known {
            // Without a breaker, attempts are not counted beyond the number that disables: a busy
            // webhook fails often.
            Some(run) if !self.is_on && run.attempts >= DISABLED_AFTER_ATTEMPTS => run,
            _ => self.count(target, *waiting, *now).await?,
        };
        if self.is_on && !health.is_open() && self.breaker.opens(&run, *now) {
            self.open(target, &run, *now).await?;
        }
        if run.is_too_long(*now) {
            let reason = format!(
                "at least {} attempts have failed since {}, and none has succeeded",
                run.attempts, run.since
            );
            return self.disable(webhook, &reason, &counted.by(), *now).await;
        }
        if run.is_nearly_too_long(*now) && health.warned != Some(run.since) {
            self.warn(webhook, &run, *now).await?;
        }
        Ok(false)
    }

    /// Adds a failed attempt to the webhook's run, or begins one.
    async fn count(&self, target: &Target, waiting: i64, now: Timestamp) -> Result<FailureRun, HealthError> {
        table::change(|| async move {
            match self.add(target, waiting, now).await? {
                Some(run) => Ok(Some(run)),
                None => Ok(self.begin(target, waiting, now).await?),
            }
        })
        .await
    }

    /// Adds a failed attempt to the webhook's run, if it has one.
    async fn add(
        &self,
        target: &Target,
        waiting: i64,
        now: Timestamp,
    ) -> Result<Option<FailureRun>, TableError> {
        let update = self
            .counting(target, "attempts = attempts + :one", waiting, now)
            .condition_expression("webhook_version = :version AND attribute_exists(since)")
            .return_values(ReturnValue::AllNew);
        let Ok(output) = table::conditional(update.send().await)? else { return Ok(None) };
        Ok(table::from_item::<HealthItem>(output.attributes.unwrap_or_default())?.run())
    }

    /// Begins a run. `None` if another attempt has begun one meanwhile: then this attempt is added to
    /// that run.
    async fn begin(
        &self,
        target: &Target,
        waiting: i64,
        now: Timestamp,
    ) -> Result<Option<FailureRun>, TableError> {
        let run = FailureRun { since: now, attempts: 1 };
        let update = self
            .counting(target, "since = :since, attempts = :one, webhook_version = :version", waiting, now)
            .condition_expression("attribute_not_exists(since) OR webhook_version < :version")
            .expression_attribute_values(":since", text(run.since.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(conflict) = table::conditional(update.send().await)? else { return Ok(Some(run)) };
        let found: Option<HealthItem> = conflict.item.map(table::from_item).transpose()?;
        // A run of a later version of the webhook stays, and counts no attempt of an earlier version.
        let version = target.webhook.version;
        let is_begun = found.is_some_and(|found| found.run() == Some(run) || found.webhook_version > version);
        Ok(is_begun.then_some(run))
    }

    /// An update that sets this for one more failed attempt, counts what waits, and lets the item expire
    /// later. The item of a webhook with a recovery does not expire. If the recovery has begun meanwhile,
    /// its next step removes the expiry again.
    fn counting(&self, target: &Target, set: &str, waiting: i64, now: Timestamp) -> UpdateItemFluentBuilder {
        let update = self
            .table
            .update(&target.webhook.key())
            .expression_attribute_values(":one", number(1_u64))
            .expression_attribute_values(":version", number(target.webhook.version))
            .expression_attribute_values(":waiting", number(waiting));
        if target.recovery().is_some() {
            return update.update_expression(format!("SET {set} ADD waiting :waiting"));
        }
        update
            .update_expression(format!("SET {set}, expires_at = :expires_at ADD waiting :waiting"))
            .expression_attribute_values(":expires_at", number(HealthItem::expiry(now)))
    }

    /// Warns the app, once, that the webhook will be disabled.
    async fn warn(&self, webhook: &Webhook, run: &FailureRun, now: Timestamp) -> Result<(), HealthError> {
        let update = self
            .table
            .update(&webhook.key())
            .update_expression("SET warned = :since")
            .condition_expression("since = :since AND (attribute_not_exists(warned) OR warned <> :since)")
            .expression_attribute_values(":since", text(run.since.to_string()));
        // Two copies of the event have one id, so the app sees it once. It is published first:
        // otherwise it could be lost.
        self.publish(webhook, warning_event(webhook, run, now)).await?;
        let _is_first = table::conditional(update.send().await)?.is_ok();
        Ok(())
    }
}
