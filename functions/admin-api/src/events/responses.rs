//! Responses to pushes. The OpenAPI description is made from the same types that the API prints.

use serde::Serialize;
use storehook_domain::event::id::EventId;
use utoipa::ToSchema;

/// The result for one pushed event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PushResult {
    /// The event's id: the one that was sent, or a new one.
    #[schema(value_type = String, example = "01JD4Q")]
    pub(crate) event_id: EventId,
    /// `accepted`: the event is on the stream. `failed` (only with status 503): it is not on the
    /// stream; push it again.
    #[schema(example = "accepted")]
    pub(crate) result: &'static str,
}

/// The results for a list of pushed events, in the order of the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PushResults {
    events: Vec<PushResult>,
}

/// The response to a push that failed wholly or in part.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushFailure {
    #[schema(example = "Service Unavailable")]
    errors: String,
    /// The results, one for each event, in the order of the list. Absent if they are unknown: each
    /// event may be on the stream or not.
    events: Option<Vec<PushResult>>,
}

/// The response to a push: one result for one event, or a list for a list.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PushResponse {
    One(PushResult),
    List(PushResults),
}

impl PushResponse {
    /// The response to a push of one event or of a list.
    pub(crate) fn of(mut results: Vec<PushResult>, is_list: bool) -> Self {
        match results.pop() {
            Some(only) if !is_list => Self::One(only),
            last => Self::List(PushResults { events: results.into_iter().chain(last).collect() }),
        }
    }
}
