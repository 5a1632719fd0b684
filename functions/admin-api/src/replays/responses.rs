//! Replays as the API prints them: the types here are also what the OpenAPI description tells.

use jiff::tz::TimeZone;
use serde::Serialize;
use storehook_domain::job::replay::Replay;
use utoipa::ToSchema;

use crate::{http::local_time::local_time, replays::step::Step};

/// A step of a replay.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayResponse {
    replay: ReplayProgress,
}

/// The result of one step of a replay.
#[derive(Serialize, ToSchema)]
struct ReplayProgress {
    id: String,
    state: &'static str,
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    dry_run: bool,
    /// The number of deliveries that this step queued. In a dry run, the number that it counted.
    deliveries: u64,
    /// The number of deliveries that this step skipped because their payload has expired. Always 0
    /// in a dry run.
    expired: u64,
    /// The cursor of the next step; null at the end of the replay.
    cursor: Option<String>,
}

impl ReplayResponse {
    /// Shows the result of a step.
    pub(crate) fn of(replay: &Replay, step: &Step, zone: &TimeZone) -> Self {
        Self {
            replay: ReplayProgress {
                id: replay.id.clone(),
                state: replay.state.as_str(),
                from: local_time(replay.from, zone),
                to: local_time(replay.to, zone),
                dry_run: replay.is_dry_run,
                deliveries: step.deliveries,
                expired: step.expired,
                cursor: step.next.as_ref().map(|position| replay.cursor(position)),
            },
        }
    }
}
