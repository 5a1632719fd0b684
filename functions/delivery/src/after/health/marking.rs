//! Marking a webhook whose endpoint is slow, or quick again.
//!
//! The mark is an attribute of the webhook's item, which fan-out reads in the index. Marking is no
//! change of the webhook: its version and `updated_at` stay.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use jiff::Timestamp;
use storehook_aws::{
    registry::LANE,
    table::{self, number, text},
};
use storehook_domain::{
    delivery::lane::Lane,
    webhook::{
        Webhook,
        health::pace::{Judgement, SHORTEST_STAY},
    },
};

use super::{Health, HealthError};
use crate::lookup::found::Target;

impl Health {
    /// Judges a webhook by an attempt that took `latency`, and changes its lane if it must.
    pub(super) async fn judge(
        &self,
        target: &Target,
        latency: Duration,
        now: Timestamp,
    ) -> Result<(), HealthError> {
        let lane = match self.lanes.add(target.webhook.id, latency, target.lane) {
            Some(Judgement::Slow) => Lane::Slow,
            Some(Judgement::Quick) if !target.health.is_open() => Lane::Fast,
            Some(Judgement::Quick) | None => return Ok(()),
        };
        let before = now.as_second() - SHORTEST_STAY.as_secs();
        // DynamoDB charges for a write that it refuses, too.
        if target.lane_since.is_some_and(|since| since > before) {
            return Ok(());
        }
        let condition =
            "attribute_exists(pk) AND (attribute_not_exists(lane_since) OR lane_since <= :before)";
        let update = self.mark(&target.webhook, lane, now).condition_expression(condition);
        let update = update.expression_attribute_values(":before", number(before));
        if table::conditional(Box::pin(update.send()).await)?.is_ok() {
            tracing::info!(webhook.id = %target.webhook.id, webhook.lane = lane.as_str(), "lane changed");
        }
        Ok(())
    }

    /// Marks a webhook as slow at once: its breaker has opened.
    pub(super) async fn mark_slow(&self, webhook: &Webhook, now: Timestamp) -> Result<(), HealthError> {
        let update = self.mark(webhook, Lane::Slow, now).condition_expression("attribute_exists(pk)");
        // If the webhook was deleted, there is nothing to mark.
        let _is_marked = table::conditional(update.send().await)?.is_ok();
        Ok(())
    }

    fn mark(&self, webhook: &Webhook, lane: Lane, now: Timestamp) -> UpdateItemFluentBuilder {
        self.update_of(webhook)
            .update_expression("SET #lane = :lane, lane_since = :now")
            .expression_attribute_names("#lane", LANE)
            .expression_attribute_values(":lane", text(lane.as_str()))
            .expression_attribute_values(":now", number(now.as_second()))
    }
}
