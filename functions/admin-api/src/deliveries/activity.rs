//! What happened to all deliveries of an app on a shop, over time and webhook by webhook.
//!
//! It reads the indexes of many webhooks side by side, and must end within a request. So it stops
//! reading after a few seconds, and looks at [`WEBHOOKS_READ`] webhooks at most: those that were
//! created first. The result tells whether that was all.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use storehook_aws::history::{Direction, Found, Scan};
use storehook_domain::{
    history::{
        stats::DeliveryStats,
        timeline::{Range, Timeline},
    },
    webhook::{Webhook, WebhookId},
};

use crate::{app::App, error::ApiError, http::caller::Caller, webhooks::operations::all_webhooks};

/// How many webhooks are looked at.
pub(crate) const WEBHOOKS_READ: usize = 100;

/// How many webhooks are read at the same time.
const SIDE_BY_SIDE: usize = 8;

/// The deliveries of an installation in a range of time.
pub(crate) struct Activity {
    pub(crate) timeline: Timeline,
    /// All webhooks. Those that were not looked at have no deliveries here.
    pub(crate) webhooks: Vec<WebhookActivity>,
    pub(crate) total: DeliveryStats,
    /// Whether every delivery of the range is counted.
    pub(crate) is_complete: bool,
}

/// The deliveries of a webhook.
pub(crate) struct WebhookActivity {
    pub(crate) webhook: Webhook,
    pub(crate) stats: DeliveryStats,
}

/// Counts the deliveries of the caller's webhooks. With the history off there are none.
pub(crate) async fn load_activity(
    app: &App,
    caller: &Caller,
    range: Range,
    now: Timestamp,
) -> Result<Activity, ApiError> {
    let webhooks = all_webhooks(app, caller).await?;
    let mut timeline = Timeline::empty(range, now, &caller.time_zone);
    let mut is_complete = webhooks.len() <= WEBHOOKS_READ;
    let since = timeline.since();
    let ids: Vec<_> = webhooks.iter().take(WEBHOOKS_READ).map(|webhook| webhook.id).collect();
    let reads = ids.into_iter().map(|id| read(app, id, since, now));
    let read: Vec<_> = stream::iter(reads).buffered(SIDE_BY_SIDE).try_collect().await?;
    let mut found = read.into_iter();
    let (mut total, mut shown) = (DeliveryStats::default(), Vec::with_capacity(webhooks.len()));
    for webhook in webhooks {
        let mut stats = DeliveryStats::default();
        if let Some((deliveries, is_all)) = found.next() {
            is_complete &= is_all;
            for delivery in deliveries {
                timeline.count(delivery.position.created_at(), delivery.state);
                stats.count(delivery.state, delivery.latency_ms);
                total.count(delivery.state, delivery.latency_ms);
            }
        }
        shown.push(WebhookActivity { webhook, stats });
    }
    Ok(Activity { timeline, webhooks: shown, total, is_complete })
}

/// Reads a webhook's deliveries from the index, the newest first, and whether these are all.
async fn read(
    app: &App,
    webhook_id: WebhookId,
    since: Timestamp,
    now: Timestamp,
) -> Result<(Vec<Found>, bool), ApiError> {
    let scan = Scan {
        webhook_id,
        since: Some(since),
        until: None,
        direction: Direction::NewestFirst,
        states: Vec::new(),
        page: None,
    };
    let mut found = Vec::new();
    let next = app.deliveries.scan(&scan, now, |delivery| found.push(delivery)).await?;
    Ok((found, next.is_none()))
}
