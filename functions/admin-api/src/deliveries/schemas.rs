//! What the OpenAPI description says of the queries and bodies of deliveries, pushes and rotations.

use std::borrow::Cow;

use storehook_domain::{
    event::pushed::PUSH_LIMIT,
    history::state::DeliveryState,
    input::query_parameters::{DEFAULT_PAGE_LIMIT, PAGE_LIMIT},
    installation::secret_rotation::{DEFAULT_OVERLAP, LONGEST_OVERLAP},
    job::replay::ReplayState,
};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        path::{Parameter, ParameterIn},
        schema::{
            AdditionalProperties, AnyOfBuilder, ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema,
            SchemaFormat, Type,
        },
    },
};

use crate::webhooks::schemas::{names, or_null, parameter, text, topic_reference, whole_number};

/// The query of a list of deliveries.
pub(crate) struct DeliveryListParameters;

/// The query of statistics.
pub(crate) struct WindowParameters;

/// The body that asks for a step of a replay.
pub(crate) struct ReplayBody;

/// The body that pushes events.
pub(crate) struct PushBody;

/// The body that rotates a secret.
pub(crate) struct RotationBody;

/// What has become of a delivery.
pub(crate) fn delivery_state() -> Object {
    names("What has become of it.", DeliveryState::ALL.map(DeliveryState::as_str)).build()
}

impl IntoParams for DeliveryListParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let [since, until] = window();
        vec![
            parameter("state", names("Only in this state.", DeliveryState::ALL.map(DeliveryState::as_str))),
            since,
            until,
            parameter(
                "limit",
                whole_number("How many deliveries a page has at the most.")
                    .minimum(Some(1))
                    .maximum(Some(PAGE_LIMIT))
                    .default(Some(DEFAULT_PAGE_LIMIT.into())),
            ),
            parameter("page_info", text("What the page before this one says of the next.")),
        ]
    }
}

impl IntoParams for WindowParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        window().into()
    }
}

fn window() -> [Parameter; 2] {
    [
        parameter("since", time("First queued at this time or later.")),
        parameter("until", time("First queued at this time or earlier.")),
    ]
}

fn time(description: &str) -> ObjectBuilder {
    text(description).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

impl PartialSchema for ReplayBody {
    fn schema() -> RefOr<Schema> {
        let id =
            text("The replay's id: the same replay again sends nothing again, so a first step whose answer was lost can be asked for again. A new one unless it is said.")
                .pattern(Some("^[A-Za-z0-9_-]{1,64}$"));
        let cursor = text(
            "Where the step before this one ended. The replay is then that one's, a dry run or not, whatever else is said.",
        );
        let is_dry_run = ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .description(Some("Whether the deliveries are only to be counted."));
        let replay = ObjectBuilder::new()
            .property("state", names("Which deliveries.", ReplayState::ALL.map(ReplayState::as_str)))
            .property("from", or_null(time("First queued at this time or later.").build().into()))
            .property(
                "to",
                or_null(time("First queued at this time or earlier; now unless it is said.").build().into()),
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

impl PartialSchema for PushBody {
    fn schema() -> RefOr<Schema> {
        let list = ArrayBuilder::new()
            .items(event())
            .min_items(Some(1))
            .max_items(Some(PUSH_LIMIT))
            .description(Some("Events, which are taken as a whole or not at all."));
        let events = ObjectBuilder::new().property("events", list).required("events");
        AnyOfBuilder::new().item(event()).item(events).into()
    }
}

impl ToSchema for PushBody {
    fn name() -> Cow<'static, str> {
        "PushRequest".into()
    }
}

/// An event: its topic, and its payload as a member of its own or as all the rest.
fn event() -> ObjectBuilder {
    let id = text("The event's id; a new one unless it is said. What is pushed twice is one event.")
        .pattern(Some("^[A-Za-z0-9_-]{1,64}$"));
    let payload = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("What happened. Without it, everything but the topic is the payload."))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)));
    ObjectBuilder::new()
        .property("topic", topic_reference())
        .property("event", topic_reference())
        .property("event_id", id)
        .property("payload", payload)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

impl PartialSchema for RotationBody {
    fn schema() -> RefOr<Schema> {
        let hours = whole_number("How long the secrets of before sign on.")
            .minimum(Some(0))
            .maximum(Some(LONGEST_OVERLAP as usize))
            .default(Some(DEFAULT_OVERLAP.into()));
        ObjectBuilder::new()
            .property("overlap_hours", or_null(hours.build().into()))
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .into()
    }
}

impl ToSchema for RotationBody {
    fn name() -> Cow<'static, str> {
        "RotationRequest".into()
    }
}
