//! Statistics of a webhook's deliveries: counted from the index, without reading the records.

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde::Serialize;
use storehook_aws::history::{Direction, Found, Scan};
use storehook_domain::{
    history::{
        stats::DeliveryStats,
        timeline::{Range, Timeline},
    },
    webhook::Webhook,
};
use utoipa::ToSchema;

use crate::{app::App, deliveries::pages::SCAN_TIME, error::ApiError, http::local_time::local_time};

/// The statistics of a window of time.
pub(crate) struct WindowStats {
    pub(crate) stats: DeliveryStats,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) is_complete: bool,
}

/// Counts a webhook's deliveries that were first queued between `since` and `until`: by default in
/// the last 24 hours. The count starts with the newest and stops after a few seconds. `since` then
/// tells how far back it reached.
pub(crate) async fn load_stats(
    app: &App,
    webhook: &Webhook,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<WindowStats, ApiError> {
    count(app, webhook, since, until, |_| {}).await
}

/// Counts a webhook's deliveries of the last 24 hours, all together and by the hour.
pub(crate) async fn load_day(
    app: &App,
    webhook: &Webhook,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<(WindowStats, Timeline), ApiError> {
    let mut timeline = Timeline::empty(Range::Day, now, zone);
    let each = |found: &Found| timeline.count(found.position.created_at(), found.state);
    let stats = count(app, webhook, None, None, each).await?;
    Ok((stats, timeline))
}

async fn count(
    app: &App,
    webhook: &Webhook,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    mut each: impl FnMut(&Found),
) -> Result<WindowStats, ApiError> {
    let until = until.unwrap_or_else(storehook_aws::now);
    let since = since.unwrap_or_else(|| until.saturating_sub(24.hours()).unwrap_or(until));
    let scan = Scan {
        webhook_id: webhook.id,
        since: Some(since),
        until: Some(until),
        direction: Direction::NewestFirst,
        states: Vec::new(),
        page: None,
    };
    let mut stats = DeliveryStats::default();
    let next = app.deliveries.scan(&scan, SCAN_TIME, |found| {
        stats.count(found.state, found.latency_ms);
        each(&found);
    });
    let next = next.await?;
    let since = next.as_ref().map_or(since, |position| position.created_at());
    Ok(WindowStats { stats, since, until, is_complete: next.is_none() })
}

/// A webhook's statistics.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatsResponse {
    pub(crate) stats: ShownStats,
}

/// Counts and latencies of a webhook's deliveries.
#[derive(Serialize, ToSchema)]
#[schema(as = Stats)]
pub(crate) struct ShownStats {
    /// Only deliveries that were first queued at this time or later are counted.
    #[schema(format = DateTime)]
    pub(crate) since: String,
    /// Only deliveries that were first queued at this time or earlier are counted.
    #[schema(format = DateTime)]
    pub(crate) until: String,
    /// Whether every delivery of the requested window is counted.
    pub(crate) complete: bool,
    /// The number of deliveries.
    pub(crate) deliveries: u64,
    /// The number of deliveries in each state.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub(crate) states: serde_json::Map<String, serde_json::Value>,
    /// `delivered` divided by the sum of `delivered`, `retrying` and `dead`, rounded down to
    /// four digits; null if that sum is 0.
    pub(crate) success_rate: Option<f64>,
    pub(crate) latency_ms: ShownLatency,
}

/// The latencies of successful attempts, in milliseconds and to three digits from a second up; null
/// if there are none.
#[derive(Serialize, ToSchema)]
#[schema(as = Latency)]
pub(crate) struct ShownLatency {
    pub(crate) p50: Option<u64>,
    pub(crate) p95: Option<u64>,
}

impl StatsResponse {
    /// Shows statistics, their times in the shop's zone.
    pub(crate) fn of(window: &WindowStats, zone: &TimeZone) -> Self {
        let WindowStats { stats, since, until, is_complete } = window;
        let [p50, p95] = stats.latency_percentiles([50, 95]);
        Self {
            stats: ShownStats {
                since: local_time(*since, zone),
                until: local_time(*until, zone),
                complete: *is_complete,
                deliveries: stats.total(),
                states: stats
                    .counts()
                    .map(|(state, count)| (state.as_str().to_owned(), count.into()))
                    .collect(),
                success_rate: stats.success_rate(),
                latency_ms: ShownLatency { p50, p95 },
            },
        }
    }
}
