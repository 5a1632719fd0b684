//! The admin API: how an app manages its webhooks.
//!
//! API Gateway hands every request to this one function (a single `$default` route), and
//! the router here tells them apart. A request passes four rooms: [`paths`] brings the
//! three spellings of a path to one; [`caller`] turns the token into who calls, which is
//! all that decides what the caller can see; [`routes`] reads the request, lets the domain
//! judge it and asks the [`store`]; [`error`] is the only place that turns a failure into
//! a status and a text.
//!
//! What is promised: an app never sees another app's or shop's webhooks, because every
//! key is built from the caller and never from the request alone; no two webhooks of an
//! installation are the same, because the place of each is held in the same transaction;
//! and what goes wrong inside is logged here and never told outside.

mod caller;
mod error;
mod list_query;
mod paths;
mod routes;
mod settings;
mod store;
mod transaction;
mod wire;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request},
    middleware,
    response::Response,
    routing,
};
use lambda_http::Context;
use tower::{Layer as _, Service, util::MapRequestLayer};

pub use settings::Settings;

use crate::{error::ApiError, store::WebhookStore};

/// What every request needs: made once for each execution environment.
#[derive(Clone)]
pub struct App {
    store: WebhookStore,
    settings: Arc<Settings>,
}

impl App {
    /// Sets the API up on an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Self {
        let client = aws_sdk_dynamodb::Client::new(sdk);
        Self {
            store: WebhookStore::new(client, settings.registry_table.clone()),
            settings: Arc::new(settings),
        }
    }
}

/// The API as a service from requests to answers.
pub fn service(
    app: App,
) -> impl Service<Request<lambda_http::Body>, Response = Response, Error = Infallible, Future: Send> + Clone {
    MapRequestLayer::new(paths::to_canonical).layer(router(app))
}

fn router(app: App) -> Router {
    Router::new()
        .route("/admin/webhooks", routing::get(routes::list).post(routes::create))
        .route("/admin/webhooks/count", routing::get(routes::count))
        .route("/admin/webhooks/{id}", routing::get(routes::show).put(routes::update).delete(routes::delete))
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(tell_request_id))
        .with_state(app)
}

/// The largest body that is read, in bytes: far more than a webhook needs, and far less than the
/// function's memory when JSON has become values.
const BODY_LIMIT: usize = 1024 * 1024;

/// Puts Lambda's request id on the answer, so that a caller and the log speak of the same request.
async fn tell_request_id(request: Request<Body>, next: middleware::Next) -> Response {
    let id = request.extensions().get::<Context>().map(|context| context.request_id.clone());
    let mut response = next.run(request).await;
    if let Some(value) = id.and_then(|id| id.parse().ok()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
