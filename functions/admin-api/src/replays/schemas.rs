//! The body of a replay, as the OpenAPI description tells it.

use std::borrow::Cow;

use storehook_domain::job::replay::ReplayState;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use crate::http::schemas::{names, or_null, text, time};

/// The body that begins or continues a replay.
pub(crate) struct ReplayBody;

impl PartialSchema for ReplayBody {
    fn schema() -> RefOr<Schema> {
        let id =
            text("The replay's id; by default a new one. A replay sends no delivery twice, so repeat a first call whose response was lost with the same id.")
                .pattern(Some("^[A-Za-z0-9_-]{1,64}$"));
        let cursor = text(
            "The cursor of the step before. It holds the whole replay: `state`, `from`, `to` and `id` are ignored, and `dry_run` must be the same.",
        );
        let is_dry_run = ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .description(Some("Whether to count the deliveries without sending them."));
        let replay = ObjectBuilder::new()
            .property(
                "state",
                names(
                    "Which deliveries to send again. `all` leaves out pending ones.",
                    ReplayState::ALL.map(ReplayState::as_str),
                ),
            )
            .property(
                "from",
                or_null(time("Only deliveries that were first queued at this time or later.").build().into()),
            )
            .property(
                "to",
                or_null(
                    time("Only deliveries that were first queued at this time or earlier; by default now.")
                        .build()
                        .into(),
                ),
            )
            .property("id", or_null(id.build().into()))
            .property("dry_run", or_null(is_dry_run.build().into()))
            .property("cursor", or_null(cursor.build().into()));
        ObjectBuilder::new().property("replay", replay).required("replay").into()
    }
}

impl ToSchema for ReplayBody {
    fn name() -> Cow<'static, str> {
        "ReplayRequest".into()
    }
}
