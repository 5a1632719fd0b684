//! The admin API: how an app manages its webhooks.
//!
//! API Gateway hands every request to this one function (a single `$default` route), and
//! the router here tells them apart. A request passes these rooms: [`paths`] brings the
//! spellings of a path to one; [`observe`] writes its line of the log; [`admission`] turns
//! the token into who calls, which is all that decides what the caller can see, and counts
//! the call; [`negotiation`] sees that both speak JSON; [`routes`] reads the request, lets
//! the domain judge it and asks the [`store`]. [`error`] is the only place that turns a
//! failure into a status and a text, and [`openapi`] tells the world what the routes are.
//!
//! What is promised: an app never sees another app's or shop's webhooks, because every
//! key is built from the caller and never from the request alone; no two webhooks of an
//! installation are the same, because the place of each is held in the same transaction;
//! and what goes wrong inside is logged here and never told outside.

mod admission;
mod call_limit;
mod error;
mod negotiation;
mod observe;
mod openapi;
mod paths;
mod routes;
mod schemas;
mod settings;
mod store;
mod transaction;
mod wire;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware,
    response::Response,
    routing,
};
use storehook_domain::Scope;
use tower::{Layer as _, Service, util::MapRequestLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use observe::REQUEST_TIMEOUT;
pub use openapi::description;
pub use settings::Settings;

use crate::{admission::Gate, call_limit::CallLimit, error::ApiError, store::WebhookStore};

/// What every request needs: made once for each execution environment.
#[derive(Clone)]
pub struct App {
    store: WebhookStore,
    call_limit: CallLimit,
    settings: Arc<Settings>,
}

impl App {
    /// Sets the API up on an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Self {
        let client = aws_sdk_dynamodb::Client::new(sdk);
        Self {
            store: WebhookStore::new(client.clone(), settings.registry_table.clone()),
            call_limit: CallLimit::new(client, settings.registry_table.clone(), settings.rate_limit),
            settings: Arc::new(settings),
        }
    }
}

/// The API as a service from requests to answers.
pub fn service<B>(
    app: App,
) -> impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone
where
    B: axum::body::HttpBody<Data = axum::body::Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    MapRequestLayer::new(paths::to_canonical).layer(router(app))
}

fn router(app: App) -> Router {
    let gate = Gate { app: app.clone(), scope: Scope::Webhooks };
    let (guarded, _) = guarded().split_for_parts();
    let (open, _) = open().split_for_parts();
    guarded
        .route_layer(middleware::from_fn(negotiation::speak_json))
        .route_layer(middleware::from_fn_with_state(gate, admission::admit))
        .merge(open)
        // Every path works under the prefixes, and this one without any as well.
        .route("/admin/openapi", routing::get(openapi::show))
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(observe::observe))
        .with_state(app)
}

/// The routes that want a token, with what they say of themselves.
fn guarded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::list, routes::create))
        .routes(routes!(routes::count))
        .routes(routes!(routes::show, routes::update, routes::delete))
}

/// The routes for everyone, with what they say of themselves.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(openapi::show))
}

/// The largest body that is read, in bytes: far more than a webhook needs, and far less than the
/// function's memory when JSON has become values.
const BODY_LIMIT: usize = 1024 * 1024;
