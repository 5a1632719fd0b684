//! The router: every route, and what a request passes on its way to one.
//!
//! Three groups of routes share one log and one way to fail. Guarded routes need a token with the
//! scope `webhooks`, pushing needs one with `events:push`, and open routes need none. The OpenAPI
//! description comes from the same three lists, so a route cannot be served and not described.

use std::convert::Infallible;

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request},
    middleware,
    response::Response,
    routing,
};
use storehook_domain::installation::Scope;
use tower::{Layer as _, Service, util::MapRequestLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    deliveries,
    error::ApiError,
    events,
    http::{
        admission::{self, Gate},
        negotiation, paths, request_log,
    },
    openapi::{self, Describe},
    panel, replays, secrets, webhooks,
};

/// The largest body that guarded routes read, in bytes: far more than a webhook needs, and far less
/// than the function's memory once its JSON is parsed.
const BODY_LIMIT: usize = 1024 * 1024;

/// The largest push, in bytes. API Gateway escapes its quotes, and Lambda takes 6 MB.
const PUSH_BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The API as a service from requests to responses.
pub fn service<B>(
    app: App,
) -> impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone
where
    B: axum::body::HttpBody<Data = axum::body::Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    MapRequestLayer::new(paths::to_canonical).layer(router(app))
}

/// The OpenAPI description of the API.
pub fn description() -> utoipa::openapi::OpenApi {
    openapi::describe(guarded().into_openapi(), pushing().into_openapi(), open().into_openapi())
}

fn router(app: App) -> Router {
    let gate = |scope| Gate {
        tokens: app.tokens.clone(),
        call_limit: app.call_limit.clone(),
        call_limit_header: app.settings.call_limit_header.clone(),
        scope,
    };
    let (guarded, _) = guarded().split_for_parts();
    let (pushing, _) = pushing().split_for_parts();
    let (open, _) = open().split_for_parts();
    let guarded = guarded
        .route_layer(middleware::from_fn(negotiation::speak_json))
        .route_layer(middleware::from_fn_with_state(gate(Scope::Webhooks), admission::admit))
        .layer(DefaultBodyLimit::max(BODY_LIMIT));
    let pushing = pushing
        // The integration guide's own path has no prefix.
        .route("/events", routing::post(events::push::push))
        .route_layer(middleware::from_fn(negotiation::speak_json))
        .route_layer(middleware::from_fn_with_state(gate(Scope::EventsPush), admission::admit))
        .layer(DefaultBodyLimit::max(PUSH_BODY_LIMIT));
    guarded
        .merge(pushing)
        .merge(open)
        .merge(panel::routes(&app))
        // `openapi::show` again: `/openapi` needs no prefix, but works under each.
        .route("/admin/openapi", routing::get(openapi::show))
        .layer(Extension(Describe(description)))
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(app.meter.clone(), request_log::observe))
        .with_state(app)
}

/// The routes that need a token with the scope `webhooks`.
fn guarded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(webhooks::routes::list, webhooks::routes::create))
        .routes(routes!(webhooks::routes::count))
        .routes(routes!(webhooks::routes::show, webhooks::routes::update, webhooks::routes::delete))
        .routes(routes!(deliveries::routes::list))
        .routes(routes!(replays::routes::replay))
        .routes(routes!(replays::routes::list))
        .routes(routes!(replays::routes::show, replays::routes::stop))
        .routes(routes!(deliveries::routes::stats))
        .routes(routes!(deliveries::test_events::send))
        .routes(routes!(deliveries::routes::show))
        .routes(routes!(replays::routes::redeliver))
        .routes(routes!(events::topics::list))
        .routes(routes!(secrets::routes::rotate))
        .routes(routes!(panel::links::routes::create))
}

/// The routes that need a token with the scope `events:push`.
fn pushing() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events::push::push))
}

/// The routes that need no token.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(openapi::show))
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    /// People read the copy and tools take it. The test rewrites a stale copy, and fails once.
    #[test]
    fn the_copy_in_the_repository_is_the_description() -> TestResult {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let now = description().to_pretty_json()? + "\n";
        let copy = std::fs::read_to_string(path).unwrap_or_default();
        if copy != now {
            std::fs::write(path, &now)?;
        }
        assert!(copy == now, "{path} was stale and has been rewritten: read it and commit it");
        Ok(())
    }
}
