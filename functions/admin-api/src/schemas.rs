//! What the OpenAPI description says of what the domain reads and judges.
//!
//! The domain reads queries and bodies as they come, so that it can tell all that is wrong
//! with them at once; no derived reader could do that. The types here only describe them,
//! with names and limits of the domain's own where it has them.

use std::borrow::Cow;

use storehook_domain::{
    event::{catalogue, topic::TOPIC_LIMIT},
    input::query_parameters::{DEFAULT_PAGE_LIMIT, PAGE_LIMIT},
    webhook::{
        Format, Protocol, Status,
        address::ADDRESS_LIMIT,
        attributes::LIST_LIMIT,
        custom_headers::{CUSTOM_HEADERS_LIMIT, HEADER_VALUE_LIMIT},
    },
};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{
            AnyOfBuilder, Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type,
        },
    },
};

/// The body that creates a webhook.
pub(crate) struct NewWebhookRequest;

/// The body that changes one.
pub(crate) struct WebhookRequest;

/// The body of every error.
pub(crate) struct Errors;

/// The query of a list.
pub(crate) struct ListParameters;

/// The query of a count.
pub(crate) struct CountParameters;

/// The query of a single webhook.
pub(crate) struct SingleParameters;

impl PartialSchema for NewWebhookRequest {
    fn schema() -> RefOr<Schema> {
        request(attributes().required("topic").required("address"))
    }
}

impl ToSchema for NewWebhookRequest {
    fn name() -> Cow<'static, str> {
        "NewWebhookRequest".into()
    }
}

impl PartialSchema for WebhookRequest {
    fn schema() -> RefOr<Schema> {
        request(attributes().description(Some(
            "What is not said stays. `id`, `created_at` and `updated_at` are ignored, so a webhook may be sent back whole.",
        )))
    }
}

impl ToSchema for WebhookRequest {
    fn name() -> Cow<'static, str> {
        "WebhookRequest".into()
    }
}

impl PartialSchema for Errors {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let messages = AnyOfBuilder::new().item(text()).item(ArrayBuilder::new().items(text()));
        let of_fields = ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(Schema::from(messages.build())));
        let errors = AnyOfBuilder::new()
            .item(text())
            .item(of_fields)
            .description(Some("A text, or for each field what is wrong with it."));
        ObjectBuilder::new().property("errors", errors).required("errors").into()
    }
}

impl ToSchema for Errors {
    fn name() -> Cow<'static, str> {
        "Errors".into()
    }
}

fn request(attributes: ObjectBuilder) -> RefOr<Schema> {
    ObjectBuilder::new().property("webhook", attributes).required("webhook").into()
}

/// What an app writes to a webhook.
fn attributes() -> ObjectBuilder {
    let address =
        text("An absolute http or https URL without user info or fragment, that deliveries may reach.")
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uri)))
            .max_length(Some(ADDRESS_LIMIT));
    let status = names("Whether it gets deliveries.", Status::WRITABLE.map(Status::as_str));
    let value = ObjectBuilder::new().schema_type(Type::String).max_length(Some(HEADER_VALUE_LIMIT));
    let custom_headers = ObjectBuilder::new()
        .description(Some(format!(
            "Headers to add to its deliveries, at most {CUSTOM_HEADERS_LIMIT}; none of Storehook's own and none that HTTP itself uses."
        )))
        .additional_properties(Some(Schema::from(value.build())))
        .max_properties(Some(CUSTOM_HEADERS_LIMIT));
    // Null is as if it were not said, but for what must be there.
    ObjectBuilder::new()
        .property("topic", topic_reference())
        .property("address", address)
        .property("format", or_null(format().into()))
        .property("fields", or_null(fields().into()))
        .property("metafield_namespaces", or_null(metafield_namespaces().into()))
        .property("protocol", or_null(protocol().into()))
        .property("status", or_null(status.build().into()))
        .property("custom_headers", or_null(custom_headers.build().into()))
}

/// What a webhook subscribes to: a component of the description, to which [`topic_reference`] points.
pub(crate) fn topic() -> Schema {
    let aliases = catalogue::ALIASES.iter().map(|(alias, _)| *alias);
    let topics = catalogue::TOPICS.iter().chain([&catalogue::WEBHOOK_DISABLED]).map(|topic| topic.name);
    let listed = names("A topic of the catalogue, or Spree's name for one.", topics.chain(aliases));
    let pattern = |description: &str, pattern: &str| {
        text(description).pattern(Some(pattern)).max_length(Some(TOPIC_LIMIT))
    };
    AnyOfBuilder::new()
        .description(Some("What it subscribes to."))
        .item(listed)
        .item(pattern("Everything, or all topics of a resource.", r"^([a-z_]+/)?\*$"))
        .item(pattern("A topic of the shop's own.", "^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$"))
        .build()
        .into()
}

/// Points to [`topic`].
pub(crate) fn topic_reference() -> Ref {
    Ref::from_schema_name("Topic")
}

/// The format of a delivery's body.
pub(crate) fn format() -> Object {
    names("The format of its deliveries' bodies.", Format::ALL.map(Format::as_str))
        .default(default_of(Format::ALL[0].as_str()))
        .build()
}

/// What an endpoint is expected to answer.
pub(crate) fn protocol() -> Object {
    names("What its endpoint is expected to answer.", Protocol::ALL.map(Protocol::as_str))
        .default(default_of(Protocol::ALL[0].as_str()))
        .build()
}

/// Whether a webhook gets deliveries.
pub(crate) fn status() -> Object {
    names("Whether it gets deliveries; `disabled` is ours to set.", Status::ALL.map(Status::as_str)).build()
}

/// The payload keys that a webhook gets.
pub(crate) fn fields() -> Array {
    short_texts("The top-level payload keys that it gets; none is all.")
}

/// The metafields that a webhook gets.
pub(crate) fn metafield_namespaces() -> Array {
    short_texts("The namespaces of the metafields that it gets; without any, it gets no metafields.")
}

impl IntoParams for ListParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let time =
            |description| text(description).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        vec![
            address_parameter(),
            topic_parameter(),
            parameter("created_at_min", time("Created at this time or later.")),
            parameter("created_at_max", time("Created at this time or earlier.")),
            parameter("updated_at_min", time("Last changed at this time or later.")),
            parameter("updated_at_max", time("Last changed at this time or earlier.")),
            parameter("since_id", whole_number("Only ids greater than this one.").minimum(Some(0))),
            fields_parameter(),
            parameter(
                "limit",
                whole_number("How many webhooks a page has.")
                    .minimum(Some(1))
                    .maximum(Some(PAGE_LIMIT))
                    .default(Some(DEFAULT_PAGE_LIMIT.into())),
            ),
            parameter("page", whole_number("Which page.").minimum(Some(1)).default(Some(1.into()))),
        ]
    }
}

impl IntoParams for CountParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![address_parameter(), topic_parameter()]
    }
}

impl IntoParams for SingleParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![fields_parameter()]
    }
}

fn address_parameter() -> Parameter {
    let uri = SchemaFormat::KnownFormat(KnownFormat::Uri);
    parameter("address", text("Only webhooks with exactly this address.").format(Some(uri)))
}

fn topic_parameter() -> Parameter {
    let described = text("Only webhooks with this topic, in any of its spellings.");
    parameter("topic", described.examples(["orders/create"]))
}

fn fields_parameter() -> Parameter {
    parameter("fields", text("Only these properties, with commas between.").examples(["id,address"]))
}

/// An optional parameter of a query.
pub(crate) fn parameter(name: &str, schema: ObjectBuilder) -> Parameter {
    let mut schema = schema.build();
    let description = schema.description.take();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(description)
        .schema(Some(schema))
        .build()
}

pub(crate) fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

pub(crate) fn whole_number(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).description(Some(description))
}

pub(crate) fn names(description: &str, names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text(description).enum_values(Some(names.into_iter().collect::<Vec<_>>()))
}

pub(crate) fn or_null(schema: Schema) -> Schema {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    AnyOfBuilder::new().item(schema).item(null).build().into()
}

fn default_of(name: &str) -> Option<serde_json::Value> {
    Some(name.into())
}

fn short_texts(description: &str) -> Array {
    let plain = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$"));
    let limits = format!("{description} At most {LIST_LIMIT} bytes of JSON.");
    ArrayBuilder::new().items(plain).description(Some(limits)).build()
}
