//! Replays and statistics as the API prints them.
//!
//! The types here are both what is printed and what the OpenAPI description says of it.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use storehook_domain::{history::stats::DeliveryStats, job::replay::Replay};
use utoipa::ToSchema;

use crate::{replays::step::Step, webhooks::responses::local_time};

/// An answer with what a replay's step has done.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayAnswer {
    pub(crate) replay: ReplayProgress,
}

/// What a replay's step has done.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayProgress {
    id: String,
    state: &'static str,
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    dry_run: bool,
    /// How many deliveries this step has queued, or counted in a dry run.
    deliveries: u64,
    /// How many more there were whose payload is no longer kept. A dry run does not look.
    expired: u64,
    /// With what to ask for the next step; null where the replay is at its end.
    cursor: Option<String>,
}

/// An answer with a webhook's statistics.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatsAnswer {
    pub(crate) stats: ShownStats,
}

/// How a webhook's deliveries have gone.
#[derive(Serialize, ToSchema)]
#[schema(as = Stats)]
pub(crate) struct ShownStats {
    /// Of deliveries that were first queued at this time or later.
    #[schema(format = DateTime)]
    since: String,
    /// Of deliveries that were first queued at this time or earlier.
    #[schema(format = DateTime)]
    until: String,
    /// Whether all deliveries of the window asked for are counted.
    complete: bool,
    /// How many deliveries there are.
    deliveries: u64,
    /// How many there are in each state.
    #[schema(value_type = BTreeMap<String, u64>)]
    states: serde_json::Map<String, serde_json::Value>,
    /// Of those delivered, retrying or dead, the share that is delivered; null where there are none.
    success_rate: Option<f64>,
    latency_ms: ShownLatency,
}

/// How long the attempts took that delivered, in milliseconds; null where there are none.
#[derive(Serialize, ToSchema)]
#[schema(as = Latency)]
struct ShownLatency {
    p50: Option<u64>,
    p95: Option<u64>,
}

impl ReplayProgress {
    /// Shows what a step has done.
    pub(crate) fn of(replay: &Replay, step: &Step, zone: &TimeZone) -> Self {
        Self {
            id: replay.id.clone(),
            state: replay.state.as_str(),
            from: local_time(replay.from, zone),
            to: local_time(replay.to, zone),
            dry_run: replay.is_dry_run,
            deliveries: step.deliveries,
            expired: step.expired,
            cursor: step.next.as_ref().map(|position| replay.cursor(position)),
        }
    }
}

impl ShownStats {
    /// Shows statistics of a window.
    pub(crate) fn of(
        stats: &DeliveryStats,
        since: Timestamp,
        until: Timestamp,
        complete: bool,
        zone: &TimeZone,
    ) -> Self {
        let [p50, p95] = stats.latency_percentiles([50, 95]);
        Self {
            since: local_time(since, zone),
            until: local_time(until, zone),
            complete,
            deliveries: stats.total(),
            states: stats.counts().map(|(state, count)| (state.as_str().to_owned(), count.into())).collect(),
            success_rate: stats.success_rate(),
            latency_ms: ShownLatency { p50, p95 },
        }
    }
}
