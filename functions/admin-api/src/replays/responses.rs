//! Replays as the API prints them: the types here are also what the OpenAPI description tells.

use jiff::tz::TimeZone;
use serde::Serialize;
use storehook_aws::history::ReplayCount;
use storehook_domain::job::replay::{record::ReplayRecord, request::ReplayRequest};
use utoipa::ToSchema;

use crate::{http::local_time::local_time, replays::schemas};

/// A webhook's replays, the latest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplaysResponse {
    pub(crate) replays: Vec<ShownReplay>,
}

/// One replay.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayResponse {
    pub(crate) replay: ShownReplay,
}

/// What a replay would send.
#[derive(Serialize, ToSchema)]
pub(crate) struct DryRunResponse {
    pub(crate) replay: ShownDryRun,
}

/// A replay, and how far it is.
#[derive(Serialize, ToSchema)]
#[schema(as = Replay)]
pub(crate) struct ShownReplay {
    pub(crate) id: String,
    pub(crate) webhook_id: u64,
    /// Whether it goes on. A replay that takes over 48 hours is stopped.
    #[schema(schema_with = schemas::replay_status)]
    pub(crate) state: &'static str,
    /// Which deliveries it sends, as the request said with `state`.
    #[schema(schema_with = schemas::replay_state)]
    pub(crate) deliveries: &'static str,
    #[schema(format = DateTime)]
    pub(crate) from: String,
    #[schema(format = DateTime)]
    pub(crate) to: String,
    /// How many deliveries it sends a second.
    pub(crate) per_second: u32,
    /// How many deliveries it has come across so far.
    pub(crate) found: u64,
    /// How many of them it has sent.
    pub(crate) sent: u64,
    /// How many of them it could not send because their payload is no longer kept.
    pub(crate) expired: u64,
    #[schema(format = DateTime)]
    pub(crate) began_at: String,
    /// When it was done or stopped; null while it runs.
    #[schema(format = DateTime)]
    pub(crate) ended_at: Option<String>,
}

/// The count of a dry run.
#[derive(Serialize, ToSchema)]
#[schema(as = DryRun)]
pub(crate) struct ShownDryRun {
    #[schema(schema_with = schemas::replay_state)]
    pub(crate) deliveries: &'static str,
    #[schema(format = DateTime)]
    pub(crate) from: String,
    #[schema(format = DateTime)]
    pub(crate) to: String,
    pub(crate) dry_run: bool,
    /// How many deliveries the replay would send.
    pub(crate) found: u64,
    /// False if there was no time to count them all.
    pub(crate) complete: bool,
}

impl ReplaysResponse {
    /// Shows replays.
    pub(crate) fn of(records: &[ReplayRecord], zone: &TimeZone) -> Self {
        Self { replays: records.iter().map(|record| ShownReplay::of(record, zone)).collect() }
    }
}

impl ReplayResponse {
    /// Shows a replay.
    pub(crate) fn of(record: &ReplayRecord, zone: &TimeZone) -> Self {
        Self { replay: ShownReplay::of(record, zone) }
    }
}

impl DryRunResponse {
    /// Shows a count.
    pub(crate) fn of(request: &ReplayRequest, dry_run: &ReplayCount, zone: &TimeZone) -> Self {
        Self {
            replay: ShownDryRun {
                deliveries: request.state.as_str(),
                from: local_time(request.from, zone),
                to: local_time(request.to, zone),
                dry_run: true,
                found: dry_run.found,
                complete: dry_run.is_complete,
            },
        }
    }
}

impl ShownReplay {
    fn of(record: &ReplayRecord, zone: &TimeZone) -> Self {
        let ReplayRecord { replay, counts, .. } = record;
        Self {
            id: replay.id.clone(),
            webhook_id: replay.webhook_id.get(),
            state: record.status.as_str(),
            deliveries: replay.state.as_str(),
            from: local_time(replay.from, zone),
            to: local_time(replay.to, zone),
            per_second: replay.per_second,
            found: counts.found,
            sent: counts.sent,
            expired: counts.expired,
            began_at: local_time(replay.began_at, zone),
            ended_at: record.ended_at.map(|ended_at| local_time(ended_at, zone)),
        }
    }
}
