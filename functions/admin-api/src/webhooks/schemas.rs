//! The queries and bodies of webhooks, as the OpenAPI description tells them.
//!
//! The domain reads queries and bodies by hand, because it reports all errors at once, which no
//! derived reader does. The types here only describe them, with the domain's own names and limits.

use std::borrow::Cow;

use storehook_domain::{
    input::query_parameters::{DEFAULT_PAGE_LIMIT, PAGE_LIMIT},
    webhook::{
        Format, Protocol, Status,
        address::ADDRESS_LIMIT,
        attributes::LIST_LIMIT,
        custom_headers::{CUSTOM_HEADERS_LIMIT, HEADER_VALUE_LIMIT, MASK},
    },
};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        path::{Parameter, ParameterIn},
        schema::{Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

use crate::{
    events::schemas::topic_reference,
    http::schemas::{names, or_null, parameter, text, time, whole_number},
};

/// The body that creates a webhook.
pub(crate) struct NewWebhookRequest;

/// The body that changes a webhook.
pub(crate) struct WebhookRequest;

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
            "Absent properties keep their values. `id`, `created_at`, `updated_at`, `failing_since`, `next_probe_at`, `disables_at` and `held_count` are ignored, so a whole webhook can be sent back.",
        )))
    }
}

impl ToSchema for WebhookRequest {
    fn name() -> Cow<'static, str> {
        "WebhookRequest".into()
    }
}

fn request(attributes: ObjectBuilder) -> RefOr<Schema> {
    ObjectBuilder::new().property("webhook", attributes).required("webhook").into()
}

/// The attributes that an app can write.
fn attributes() -> ObjectBuilder {
    let address = text(
        "An absolute http or https URL without user info and fragment. Private addresses are refused, and so are \
         addresses whose path or query a URL parser would rewrite.",
    )
    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uri)))
    .max_length(Some(ADDRESS_LIMIT));
    let status = names(
        "`active`: it gets deliveries. `paused`: its deliveries are held.",
        Status::WRITABLE.map(Status::as_str),
    );
    let value = ObjectBuilder::new().schema_type(Type::String).max_length(Some(HEADER_VALUE_LIMIT));
    let custom_headers = ObjectBuilder::new()
        .description(Some(format!(
            "Headers to add to its deliveries, at most {CUSTOM_HEADERS_LIMIT}. Storehook's own headers and those of HTTP itself are refused. Values are visible ASCII with spaces inside; `{MASK}` keeps the value that is there."
        )))
        .additional_properties(Some(Schema::from(value.build())))
        .max_properties(Some(CUSTOM_HEADERS_LIMIT));
    // Null is the same as absent, except for required properties.
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

/// The format of a delivery's body.
pub(crate) fn format() -> Object {
    names("The format of the bodies of its deliveries.", Format::ALL.map(Format::as_str))
        .default(default_of(Format::ALL[0].as_str()))
        .build()
}

/// The response that an endpoint is expected to give.
pub(crate) fn protocol() -> Object {
    names(
        "`webhook`: any 2xx is a success. `integration`: the endpoint responds with status 200 and a verdict.",
        Protocol::ALL.map(Protocol::as_str),
    )
    .default(default_of(Protocol::ALL[0].as_str()))
    .build()
}

/// The state of a webhook.
pub(crate) fn status() -> Object {
    names("Only an `active` webhook gets deliveries. Storehook sets `disabled` when the endpoint keeps failing or responds 410.", Status::ALL.map(Status::as_str)).build()
}

/// The payload keys that a webhook gets.
pub(crate) fn fields() -> Array {
    short_texts(
        "The top-level keys of the payloads that it gets, or those of a resource that is wrapped in its name. An empty list means all.",
    )
}

/// The namespaces of metafields that a webhook gets.
pub(crate) fn metafield_namespaces() -> Array {
    short_texts("The namespaces of the metafields that it gets. An empty list means no metafields.")
}

impl IntoParams for ListParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            address_parameter(),
            topic_parameter(),
            parameter("created_at_min", time("Created at this time or later.")),
            parameter("created_at_max", time("Created at this time or earlier.")),
            parameter("updated_at_min", time("Last changed at this time or later.")),
            parameter("updated_at_max", time("Last changed at this time or earlier.")),
            parameter("since_id", whole_number("Only webhooks with a greater id.").minimum(Some(0))),
            fields_parameter(),
            parameter(
                "limit",
                whole_number("The largest number of webhooks on a page.")
                    .minimum(Some(1))
                    .maximum(Some(PAGE_LIMIT))
                    .default(Some(DEFAULT_PAGE_LIMIT.into())),
            ),
            parameter(
                "page",
                whole_number("The number of the page.").minimum(Some(1)).default(Some(1.into())),
            ),
            parameter(
                "page_info",
                text(
                    "The page that a `Link` of another one leads to. It goes with `limit` and `fields` only.",
                ),
            ),
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
    let described = text("Only webhooks with this topic, in any spelling.");
    parameter("topic", described.examples(["orders/create"]))
}

fn fields_parameter() -> Parameter {
    parameter("fields", text("The properties to show, separated by commas.").examples(["id,address"]))
}

fn default_of(name: &str) -> Option<serde_json::Value> {
    Some(name.into())
}

fn short_texts(description: &str) -> Array {
    let plain = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$"));
    let limits = format!("{description} At most {LIST_LIMIT} bytes of JSON.");
    ArrayBuilder::new().items(plain).description(Some(limits)).build()
}
