//! The OpenAPI description of the API: what `GET /openapi.json` answers.
//!
//! It is made from the very routes that the router serves. Each route says what is its
//! own; what holds for all of them (the errors of every call, the headers of every answer,
//! the suffix of every path) is said here once and put into each. It is made when it is
//! first asked for. `openapi.json` beside the sources is a copy that a test keeps the same.

use std::sync::OnceLock;

use axum::{
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

use crate::webhooks::schemas::{self, Errors};

/// Describe the API
///
/// Answers this description. It needs no token.
#[utoipa::path(
    get,
    path = "/openapi",
    operation_id = "describe",
    tag = "description",
    responses((status = 200, description = "The description.", body = Object)),
)]
pub(crate) async fn show() -> Response {
    static JSON: OnceLock<String> = OnceLock::new();
    let json = JSON.get_or_init(|| serde_json::json!(description()).to_string());
    ([(header::CONTENT_TYPE, "application/json")], json.as_str()).into_response()
}

/// The description of the API.
pub fn description() -> openapi::OpenApi {
    let mut document = Document::openapi();
    document.openapi = OpenApiVersion::Version31;
    document.merge(crate::guarded().into_openapi());
    document.merge(crate::pushing().into_openapi());
    operations(&mut document.paths).for_each(guard);
    document.merge(crate::open().into_openapi());
    operations(&mut document.paths).for_each(identify);
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (format!("{path}.json"), item)).collect();
    complete(document.components.get_or_insert_default());
    document
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Storehook admin API",
        description = "How an app manages its webhooks on a shop.\n\nEvery path works under `/admin`, `/api` and \
                       `/admin/api/<version>` (`2024-10`, `unstable`), and `.json` may be left out. Times are \
                       ISO 8601 in the shop's time zone. An app sees its own webhooks on its own shop; all others \
                       are not found.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/")),
    tags(
        (name = "webhooks", description = "An app's subscriptions to what happens in a shop."),
        (name = "deliveries", description = "What became of each event on its way to a webhook."),
        (name = "events", description = "Events of the shop that come from elsewhere."),
        (name = "secret", description = "What deliveries are signed with."),
        (name = "description", description = "What this API is."),
    ),
    components(schemas(Errors)),
)]
struct Document;

/// The errors of every call with a token: the component's name, the status, and what it means.
const ERRORS: [(&str, &str, &str); 6] = [
    ("Unauthorized", "401", "There is no token, or none that is known."),
    ("Forbidden", "403", "The token lacks the scope."),
    ("NotAcceptable", "406", "The client does not accept JSON."),
    ("TooManyCalls", "429", "The installation has made too many calls."),
    ("InternalServerError", "500", "Something is wrong inside."),
    ("ServiceUnavailable", "503", "The call can be made again."),
];

/// The ways to send a token, in the order of the page's own first.
const CREDENTIALS: [&str; 4] = ["bearer", "spiffyToken", "shopifyToken", "basic"];

/// Says of an operation what holds for all that want a token.
fn guard(operation: &mut Operation) {
    for (name, status, _) in ERRORS {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| Ref::from_response_name(name).into());
    }
    let requirement = |name| SecurityRequirement::new::<_, [&str; 0], &str>(name, []);
    operation.security = Some(CREDENTIALS.map(requirement).to_vec());
}

/// Says of an operation what holds for all: its answers carry the request's id, and those to a token
/// how many calls there are.
fn identify(operation: &mut Operation) {
    let is_guarded = !operation.security.get_or_insert_default().is_empty();
    let headers = if is_guarded { &HEADERS[..] } else { &HEADERS[..1] };
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.headers.extend(headers.iter().map(|(name, _)| header_reference(name)));
        }
    }
}

/// The headers of answers: that of every one first.
const HEADERS: [(&str, &str); 2] = [
    ("X-Request-Id", "What the log calls the request."),
    (
        "X-Shopify-Shop-Api-Call-Limit",
        "How many calls the installation's bucket holds, and can hold: `1/40`. The same under the platform's own \
         name, by default `X-Spiffy-Stores-Api-Call-Limit`. Absent where calls are not limited.",
    ),
];

fn header_reference(name: &str) -> (String, RefOr<openapi::Header>) {
    (name.to_owned(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))))
}

/// Adds what the operations refer to and no type of theirs brings along.
fn complete(components: &mut Components) {
    if let Some(RefOr::T(Schema::Object(webhook))) = components.schemas.get_mut("Webhook") {
        // `fields` can leave out any of them.
        webhook.required.clear();
    }
    components.schemas.insert("Topic".to_owned(), schemas::topic().into());
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
        let retry_after =
            HeaderBuilder::new().schema(Some(seconds)).description(Some("After how many seconds.")).build();
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

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    /// The copy that people read and tools take. A stale one is written anew, and fails the test once.
    #[test]
    fn the_copy_in_the_repository_is_the_description() -> TestResult {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let now = description().to_pretty_json()? + "\n";
        let copy = std::fs::read_to_string(path).unwrap_or_default();
        if copy != now {
            std::fs::write(path, &now)?;
        }
        assert!(copy == now, "{path} was stale; it has been written anew: look at it and commit it");
        Ok(())
    }
}
