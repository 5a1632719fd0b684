//! What happened to all deliveries of an app on a shop, over time and webhook by webhook.
//!
//! It reads the indexes of many webhooks side by side, and must end within a request. So it stops
//! reading after a few seconds, of which each webhook has its share, and looks at [`WEBHOOKS_READ`]
//! webhooks at most: those that were created first. The result tells whether that was all.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use storehook_aws::history::{Direction, Scan};
use storehook_domain::{
    history::{
        health::Health,
        stats::DeliveryStats,
        timeline::{Range, Timeline},
    },
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{Status, Webhook, WebhookId},
};

use crate::{
    app::App,
    deliveries::pages::{SCANS_AT_ONCE, is_late, share_of},
    error::ApiError,
    http::caller::Caller,
    webhooks::operations::all_webhooks,
};

/// How many webhooks are looked at.
pub(crate) const WEBHOOKS_READ: usize = 100;

/// The deliveries of an installation in a range of time.
pub(crate) struct Activity {
    pub(crate) timeline: Timeline,
    /// All webhooks.
    pub(crate) webhooks: Vec<WebhookActivity>,
    pub(crate) total: DeliveryStats,
    /// Whether every delivery of the range is counted.
    pub(crate) is_complete: bool,
    /// Whether deliveries are recorded at all.
    pub(crate) is_recorded: bool,
}

/// The deliveries of a webhook.
pub(crate) struct WebhookActivity {
    pub(crate) webhook: Webhook,
    /// `None` if the webhook was not looked at.
    pub(crate) stats: Option<DeliveryStats>,
    /// How its endpoint is.
    pub(crate) endpoint: EndpointHealth,
}

impl WebhookActivity {
    /// How the webhook is. If its deliveries were not looked at, its status or its breaker may tell;
    /// `None` if they do not.
    pub(crate) fn health(&self) -> Option<Health> {
        let (status, is_open) = (self.webhook.status, self.endpoint.is_failing());
        match &self.stats {
            Some(stats) => Some(Health::of(status, is_open, |state| stats.of(state))),
            None if status == Status::Active && !is_open => None,
            None => Some(Health::of(status, is_open, |_| 0)),
        }
    }
}

/// Counts the deliveries of the caller's webhooks. With the history off there are none.
pub(crate) async fn load_activity(
    app: &App,
    caller: &Caller,
    range: Range,
    now: Timestamp,
) -> Result<Activity, ApiError> {
    let webhooks = all_webhooks(app, caller).await?;
    let healths = app.health.load_page(caller, &webhooks).await?;
    let empty = Timeline::empty(range, now, &caller.time_zone);
    let is_recorded = app.deliveries.is_recorded();
    let looked_at = if is_recorded { WEBHOOKS_READ } else { 0 };
    let ids: Vec<_> = webhooks.iter().take(looked_at).map(|webhook| webhook.id).collect();
    let share = share_of(ids.len(), SCANS_AT_ONCE);
    let reads = ids.into_iter().map(|id| Part::read(app, id, empty.clone(), share, now));
    let parts: Vec<_> = stream::iter(reads).buffered(SCANS_AT_ONCE).try_collect().await?;
    Ok(merged(webhooks, &healths, parts, empty, is_recorded))
}

/// A webhook's deliveries, counted.
struct Part {
    stats: DeliveryStats,
    timeline: Timeline,
    is_complete: bool,
}

impl Part {
    /// Counts a webhook's deliveries in the index, the newest first; `None` if the time is up. They
    /// are counted as they are read: a month of them would not fit into the memory.
    async fn read(
        app: &App,
        webhook_id: WebhookId,
        mut timeline: Timeline,
        share: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Self>, ApiError> {
        if is_late(now) {
            return Ok(None);
        }
        let scan = Scan {
            webhook_id,
            since: Some(timeline.since()),
            until: None,
            direction: Direction::NewestFirst,
            states: Vec::new(),
            page: None,
        };
        let mut stats = DeliveryStats::default();
        let next = app.deliveries.scan(&scan, share, |found| {
            timeline.count(found.position.created_at(), found.state);
            stats.count(found.state, found.latency_ms);
        });
        let is_complete = next.await?.is_none();
        Ok(Some(Self { stats, timeline, is_complete }))
    }
}

/// Puts together what was counted. The parts are those of the first webhooks.
fn merged(
    webhooks: Vec<Webhook>,
    healths: &HashMap<WebhookId, EndpointHealth>,
    parts: Vec<Option<Part>>,
    mut timeline: Timeline,
    is_recorded: bool,
) -> Activity {
    let (mut total, mut is_complete) = (DeliveryStats::default(), true);
    let mut parts = parts.into_iter();
    let webhooks = webhooks.into_iter().map(|webhook| {
        let part = parts.next().flatten();
        is_complete &= part.as_ref().is_some_and(|part| part.is_complete);
        if let Some(part) = &part {
            timeline.add(&part.timeline);
            total.add(&part.stats);
        }
        let endpoint = healths.get(&webhook.id).copied().unwrap_or_default();
        WebhookActivity { webhook, stats: part.map(|part| part.stats), endpoint }
    });
    let webhooks = webhooks.collect();
    Activity { timeline, webhooks, total, is_complete, is_recorded }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;
    use storehook_domain::history::state::DeliveryState;

    use super::*;

    fn webhook(status: &str) -> serde_json::Result<Webhook> {
        serde_json::from_value(json!({
            "id": 1, "shop": "a.example", "app": "demo", "topic": "orders/create", "address": "https://b.example/",
            "format": "json", "protocol": "webhook", "status": status, "fields": [], "metafield_namespaces": [],
            "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z",
            "version": 1,
        }))
    }

    #[test]
    fn counts_are_merged_and_a_webhook_that_was_not_looked_at_is_known() -> serde_json::Result<()> {
        let empty = Timeline::empty(Range::Day, Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        let part = |state, is_complete| {
            let (mut stats, mut timeline) = (DeliveryStats::default(), empty.clone());
            stats.count(state, Some(7));
            timeline.count(Timestamp::UNIX_EPOCH, state);
            Some(Part { stats, timeline, is_complete })
        };
        let webhooks = || -> serde_json::Result<Vec<_>> {
            ["active", "active", "active", "disabled"].into_iter().map(webhook).collect()
        };
        let parts = || vec![part(DeliveryState::Delivered, true), None, part(DeliveryState::Dead, true)];
        let activity = merged(webhooks()?, &HashMap::new(), parts(), empty.clone(), true);
        let healths: Vec<_> = activity.webhooks.iter().map(WebhookActivity::health).collect();
        assert_eq!(healths, [Some(Health::Working), None, Some(Health::Failing), Some(Health::Disabled)]);
        assert_eq!((activity.total.total(), activity.is_complete), (2, false));
        assert_eq!(activity.timeline.slots()[23].stats.total(), 2);
        let since = Some(Timestamp::UNIX_EPOCH);
        let failing = HashMap::from([(
            WebhookId::new(1),
            EndpointHealth { failing_since: since, ..EndpointHealth::default() },
        )]);
        for (parts, is_complete) in [
            (vec![part(DeliveryState::Dead, true)], true),
            (vec![part(DeliveryState::Dead, false)], false),
            (vec![None], false),
            (vec![], false),
        ] {
            let activity = merged(vec![webhook("active")?], &failing, parts, empty.clone(), true);
            assert_eq!(activity.is_complete, is_complete);
            assert_eq!(activity.webhooks[0].health(), Some(Health::Failing), "its breaker is open");
        }
        Ok(())
    }
}
