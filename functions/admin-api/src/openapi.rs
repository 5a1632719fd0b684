//! The OpenAPI description of the API: what `GET /openapi.json` returns.
//!
//! The routes that the router serves describe themselves: each has its own parameters and
//! responses. This file adds what all routes share: the errors of every call, the headers of every
//! response, the suffix of every path. The first request for the description builds it.
//! `openapi.json` beside the sources is a copy, and a test keeps it the same.

use std::sync::OnceLock;

use axum::{
    Extension,
    http::header,
    response::{IntoResponse as _, Response},
};
use utoipa::{
    OpenApi as _,
    openapi::{
        self, Components, HeaderBuilder, OpenApiVersion, Paths, Ref, RefOr, ResponseBuilder, Schema,
        SecurityRequirement,
        path::Operation,
        schema::{ObjectBuilder, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{events, http::schemas::Errors};

/// Makes the description. The router, which knows every route, hands it to [`show`].
#[derive(Clone, Copy)]
pub(crate) struct Describe(pub(crate) fn() -> openapi::OpenApi);

/// Describe the API
///
/// Returns this description. No token is needed.
#[utoipa::path(
    get,
    path = "/openapi",
    operation_id = "describe",
    tag = "description",
    responses((status = 200, description = "The description.", body = Object)),
)]
pub(crate) async fn show(Extension(Describe(describe)): Extension<Describe>) -> Response {
    static JSON: OnceLock<String> = OnceLock::new();
    let json = JSON.get_or_init(|| serde_json::json!(describe()).to_string());
    ([(header::CONTENT_TYPE, "application/json")], json.as_str()).into_response()
}

/// Completes the descriptions of the routes: those that need a token with the scope `webhooks`,
/// those that need `events:push`, and those that need none.
pub(crate) fn describe(
    guarded: openapi::OpenApi,
    pushing: openapi::OpenApi,
    open: openapi::OpenApi,
) -> openapi::OpenApi {
    let mut document = Document::openapi();
    document.openapi = OpenApiVersion::Version31;
    document.merge(guarded);
    document.merge(pushing);
    operations(&mut document.paths).for_each(add_token);
    document.merge(open);
    operations(&mut document.paths).for_each(add_headers);
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (format!("{path}.json"), item)).collect();
    add_components(document.components.get_or_insert_default());
    document
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Storehook admin API",
        description = "Apps manage their webhooks on a shop, read and replay their deliveries, and push events.\n\n\
                       Every path works under `/admin`, `/api` and `/admin/api/<version>` (`2024-10`, \
                       `unstable`), with or without `.json`. Times are ISO 8601 in the shop's time zone. An app \
                       sees only its own webhooks on its own shop; all others are 404.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/")),
    tags(
        (name = "webhooks", description = "An app's subscriptions to events of a shop."),
        (name = "deliveries", description = "One event on its way to one webhook: its state, its attempts, and how to send it again."),
        (name = "events", description = "An app pushes events of the shop."),
        (name = "secret", description = "The secret that signs deliveries."),
        (name = "description", description = "This description."),
    ),
    components(schemas(Errors)),
)]
struct Document;

/// The errors of every call with a token: the component's name, the status, and its meaning.
const ERRORS: [(&str, &str, &str); 6] = [
    ("Unauthorized", "401", "The token is missing or unknown."),
    ("Forbidden", "403", "The token lacks the scope that this call needs."),
    ("NotAcceptable", "406", "The client does not accept JSON."),
    ("TooManyCalls", "429", "The app has made too many calls on this shop, or pushed too many events."),
    ("InternalServerError", "500", "An internal error. Storehook's log has the cause."),
    ("ServiceUnavailable", "503", "A part of Storehook is busy or unreachable. Call again later."),
];

/// The ways to send a token: the one that most clients use first.
const CREDENTIALS: [&str; 4] = ["bearer", "spiffyToken", "shopifyToken", "basic"];

/// Adds to an operation what holds for all that need a token.
fn add_token(operation: &mut Operation) {
    for (name, status, _) in ERRORS {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| Ref::from_response_name(name).into());
    }
    let requirement = |name| SecurityRequirement::new::<_, [&str; 0], &str>(name, []);
    operation.security = Some(CREDENTIALS.map(requirement).to_vec());
}

/// Adds the headers of every response to an operation: the request's id and, where a token is
/// needed, the level of the installation's bucket.
fn add_headers(operation: &mut Operation) {
    let is_guarded = !operation.security.get_or_insert_default().is_empty();
    let headers = if is_guarded { &HEADERS[..] } else { &HEADERS[..1] };
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.headers.extend(headers.iter().map(|(name, _)| header_reference(name)));
        }
    }
}

/// The headers of responses: the one of every response first.
const HEADERS: [(&str, &str); 2] = [
    ("X-Request-Id", "The request's id in Storehook's log."),
    (
        "X-Shopify-Shop-Api-Call-Limit",
        "The number of calls in the app's bucket and the size of the bucket: `1/40`. A second header repeats this under the \
         platform's name, by default `X-Spiffy-Stores-Api-Call-Limit`. Both are absent if calls are not limited.",
    ),
];

fn header_reference(name: &str) -> (String, RefOr<openapi::Header>) {
    (name.to_owned(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))))
}

/// Adds the components that operations refer to and that no type brings along.
fn add_components(components: &mut Components) {
    if let Some(RefOr::T(Schema::Object(webhook))) = components.schemas.get_mut("Webhook") {
        // `fields` can leave out any of them.
        webhook.required.clear();
    }
    components.schemas.insert("Topic".to_owned(), events::schemas::topic().into());
    for (name, description) in HEADERS {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let header = HeaderBuilder::new().schema(Some(text)).description(Some(description)).build();
        components.headers.insert(name.to_owned(), header.into());
    }
    for (name, status, description) in ERRORS {
        components.responses.insert(name.to_owned(), error_response(status, description).into());
    }
    for (name, scheme) in CREDENTIALS.into_iter().zip(security_schemes()) {
        components.security_schemes.insert(name.to_owned(), scheme.into());
    }
}

fn error_response(status: &str, description: &str) -> openapi::Response {
    let errors = openapi::Content::new(Some(Ref::from_schema_name("Errors")));
    let mut response =
        ResponseBuilder::new().description(description).content("application/json", errors).build();
    let headers = if status == "401" { &HEADERS[..1] } else { &HEADERS[..] };
    response.headers.extend(headers.iter().map(|(name, _)| header_reference(name)));
    if matches!(status, "429" | "503") {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
        let retry_after = HeaderBuilder::new()
            .schema(Some(seconds))
            .description(Some("How many seconds to wait before the next call."))
            .build();
        response.headers.insert("Retry-After".to_owned(), retry_after.into());
    }
    response
}

/// The schemes of [`CREDENTIALS`].
fn security_schemes() -> [SecurityScheme; CREDENTIALS.len()] {
    let key = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
    let http = |scheme| HttpBuilder::new().scheme(scheme);
    let basic = http(HttpAuthScheme::Basic).description(Some("Any user name; the token is the password."));
    [
        SecurityScheme::Http(http(HttpAuthScheme::Bearer).build()),
        key("X-Spiffy-Stores-Access-Token"),
        key("X-Shopify-Access-Token"),
        SecurityScheme::Http(basic.build()),
    ]
}

fn operations(paths: &mut Paths) -> impl Iterator<Item = &mut Operation> {
    paths
        .paths
        .values_mut()
        .flat_map(|item| [&mut item.get, &mut item.post, &mut item.put, &mut item.delete])
        .filter_map(Option::as_mut)
}
