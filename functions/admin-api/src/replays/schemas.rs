//! The body of a replay, as the OpenAPI description tells it.

use std::borrow::Cow;

use storehook_domain::job::replay::{ReplayState, record::ReplayStatus, request::MOST_PER_SECOND};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use crate::http::schemas::{names, or_null, text, time, whole_number};

/// The body that begins a replay.
pub(crate) struct ReplayBody;

impl PartialSchema for ReplayBody {
    fn schema() -> RefOr<Schema> {
        let id = text("The replay's id among those of the webhook; by default a new one. The same id again is the same replay.")
            .pattern(Some("^[A-Za-z0-9_-]{1,64}$"));
        let per_second = whole_number("How many deliveries to send a second; by default 50.")
            .minimum(Some(1))
            .maximum(Some(MOST_PER_SECOND));
        let is_dry_run = ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .description(Some("Whether to count the deliveries without sending them."));
        let from = time("Only deliveries that were first queued at this time or later.");
        let to = time("Only deliveries that were first queued at this time or earlier; by default now.");
        let replay = ObjectBuilder::new()
            .property("state", replay_state())
            .property("from", or_null(from.build().into()))
            .property("to", or_null(to.build().into()))
            .property("per_second", or_null(per_second.build().into()))
            .property("id", or_null(id.build().into()))
            .property("dry_run", or_null(is_dry_run.build().into()))
            .required("state");
        ObjectBuilder::new().property("replay", replay).required("replay").into()
    }
}

impl ToSchema for ReplayBody {
    fn name() -> Cow<'static, str> {
        "ReplayRequest".into()
    }
}

/// Which deliveries a replay sends.
pub(crate) fn replay_state() -> ObjectBuilder {
    names(
        "Which deliveries to send again. `all` leaves out pending ones.",
        ReplayState::ALL.map(ReplayState::as_str),
    )
}

/// Whether a replay goes on.
pub(crate) fn replay_status() -> ObjectBuilder {
    names("Whether the replay goes on.", ReplayStatus::ALL.map(ReplayStatus::as_str))
}
