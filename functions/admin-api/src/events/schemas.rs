//! Topics and the body of a push, as the OpenAPI description tells them.

use std::borrow::Cow;

use storehook_domain::event::{catalogue, pushed::PUSH_LIMIT, topic::TOPIC_LIMIT};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr,
        schema::{AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, Type},
    },
};

use crate::http::schemas::{names, text};

/// The body that pushes events.
pub(crate) struct PushBody;

/// The topic of a webhook or an event: a component, to which [`topic_reference`] points.
pub(crate) fn topic() -> Schema {
    let aliases = catalogue::ALIASES.iter().map(|(alias, _)| *alias);
    let topics = catalogue::all().map(|topic| topic.name);
    let listed = names("A topic of the catalogue, or Spree's name for one.", topics.chain(aliases));
    let pattern = |description: &str, pattern: &str| {
        text(description).pattern(Some(pattern)).max_length(Some(TOPIC_LIMIT))
    };
    AnyOfBuilder::new()
        .description(Some("One topic, or a pattern of topics."))
        .item(listed)
        .item(pattern("`*` for all topics, or all topics of one resource.", r"^([a-z_]+/)?\*$"))
        .item(pattern("A topic of the shop's own, `noun:verb`.", "^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$"))
        .build()
        .into()
}

/// Points to [`topic`].
pub(crate) fn topic_reference() -> Ref {
    Ref::from_schema_name("Topic")
}

impl PartialSchema for PushBody {
    fn schema() -> RefOr<Schema> {
        let list = ArrayBuilder::new()
            .items(event())
            .min_items(Some(1))
            .max_items(Some(PUSH_LIMIT))
            .description(Some("The events. Either all are accepted, or none is."));
        let events = ObjectBuilder::new().property("events", list).required("events");
        AnyOfBuilder::new().item(event()).item(events).into()
    }
}

impl ToSchema for PushBody {
    fn name() -> Cow<'static, str> {
        "PushRequest".into()
    }
}

/// An event: its topic, and its payload as one property or as all the others.
fn event() -> ObjectBuilder {
    let id = text("The event's id; by default a new one. Events with the same id are one event.")
        .pattern(Some("^[A-Za-z0-9_-]{1,64}$"));
    let payload = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("The payload. If it is absent, all properties except the topic are the payload."))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)));
    ObjectBuilder::new()
        .property("topic", topic_reference())
        .property("event", topic_reference())
        .property("event_id", id)
        .property("payload", payload)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
}
