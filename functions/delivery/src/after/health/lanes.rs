//! The lane of a webhook's deliveries: judging its endpoint's pace, and marking the webhook.
//!
//! The mark is an attribute of the webhook's item that fan-out reads in the index. To mark is not to
//! change the webhook: neither its version nor `updated_at` moves.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use storehook_aws::{
    registry::{self, LANE},
    table::{self, number, text},
};
use storehook_domain::{
    delivery::lane::Lane,
    webhook::{
        Webhook, WebhookId,
        health::pace::{Judgement, Pace, SHORTEST_STAY},
    },
};

use super::{Health, HealthError};
use crate::lookup::found::Target;

/// Of how many webhooks the pace is known at once. It is a hundred bytes for each.
const KNOWN: usize = 10_000;

/// The pace of webhooks, as this execution environment has seen it.
pub(crate) struct Lanes {
    /// From which mean latency on an endpoint is slow.
    slow_after: Duration,
    paces: Mutex<HashMap<WebhookId, Pace>>,
}

impl Lanes {
    pub(crate) fn new(slow_after: Duration) -> Self {
        Self { slow_after, paces: Mutex::default() }
    }

    /// Adds an attempt, and judges the webhook after enough of them.
    fn add(&self, webhook_id: WebhookId, latency: Duration, lane: Lane) -> Option<Judgement> {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.len() >= KNOWN {
            paces.clear();
        }
        paces.entry(webhook_id).or_default().add(latency, !lane.is_fast(), self.slow_after)
    }
}

impl Health {
    /// Judges a webhook by an attempt that took so long, and changes its lane if it must.
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
        let condition =
            "attribute_exists(pk) AND (attribute_not_exists(lane_since) OR lane_since <= :before)";
        let update = self.mark(&target.webhook, lane, now).condition_expression(condition);
        let update = update.expression_attribute_values(":before", number(before));
        if table::conditional(update.send().await)?.is_ok() {
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

    fn mark(
        &self,
        webhook: &Webhook,
        lane: Lane,
        now: Timestamp,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        self.table
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(registry::webhook_key(&webhook.shop, &webhook.app, webhook.id)))
            .update_expression("SET #lane = :lane, lane_since = :now")
            .expression_attribute_names("#lane", LANE)
            .expression_attribute_values(":lane", text(lane.as_str()))
            .expression_attribute_values(":now", number(now.as_second()))
    }
}
