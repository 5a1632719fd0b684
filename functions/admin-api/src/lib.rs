//! The admin API: how an app manages its webhooks, sees and replays their deliveries, and pushes events.
//!
//! API Gateway hands every request to this one function (a single `$default` route), and
//! the router here tells them apart. A request passes these rooms: [`http::paths`] brings the
//! spellings of a path to one; [`http::request_log`] writes its line of the log; [`http::admission`] turns
//! the token into who calls, which is all that decides what the caller can see, and counts
//! the call; [`http::negotiation`] sees that both speak JSON; the routes ([`webhooks::routes`] of webhooks,
//! [`deliveries`], [`events`], [`secrets`]) read the request, let the domain
//! judge it and ask the [`webhooks::store`] of webhooks, the one of deliveries, the queue or the stream. [`error`] is the only place that turns a
//! failure into a status and a text, and [`openapi`] tells the world what the routes are.
//!
//! What is promised: an app never sees another app's or shop's webhooks, because every
//! key is built from the caller and never from the request alone; no two webhooks of an
//! installation are the same, because the place of each is held in the same transaction;
//! and what goes wrong inside is logged here and never told outside.

mod deliveries;
mod error;
mod events;
mod http;
mod openapi;
mod replays;
mod secrets;
mod settings;
mod webhooks;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware,
    response::Response,
    routing,
};
use storehook_aws::history::HistoryTable;
use storehook_domain::installation::Scope;
use tower::{Layer as _, Service, util::MapRequestLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use http::request_log::REQUEST_TIMEOUT;
pub use openapi::description;
pub use settings::Settings;

use crate::{
    deliveries::{queue::DeliveryQueue, store::DeliveryStore},
    error::ApiError,
    events::push::{EventStream, PUSH_BODY_LIMIT},
    http::{admission::Gate, call_limit::CallLimit},
    webhooks::store::WebhookStore,
};

/// What every request needs: made once for each execution environment.
#[derive(Clone)]
pub struct App {
    store: WebhookStore,
    deliveries: DeliveryStore,
    queue: DeliveryQueue,
    stream: EventStream,
    call_limit: CallLimit,
    settings: Arc<Settings>,
}

impl App {
    /// Sets the API up on an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Self {
        let client = aws_sdk_dynamodb::Client::new(sdk);
        Self {
            store: WebhookStore::new(client.clone(), settings.registry_table.clone()),
            deliveries: DeliveryStore(HistoryTable {
                client: client.clone(),
                name: settings.history_table.clone(),
                retention: settings.retention,
            }),
            queue: DeliveryQueue {
                client: aws_sdk_sqs::Client::new(sdk),
                url: settings.delivery_queue_url.clone(),
            },
            stream: EventStream {
                client: aws_sdk_kinesis::Client::new(sdk),
                name: settings.stream_name.clone(),
            },
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
    MapRequestLayer::new(http::paths::to_canonical).layer(router(app))
}

fn router(app: App) -> Router {
    let gate = |scope| Gate { app: app.clone(), scope };
    let (guarded, _) = guarded().split_for_parts();
    let (pushing, _) = pushing().split_for_parts();
    let (open, _) = open().split_for_parts();
    let guarded = guarded
        .route_layer(middleware::from_fn(http::negotiation::speak_json))
        .route_layer(middleware::from_fn_with_state(gate(Scope::Webhooks), http::admission::admit))
        .layer(DefaultBodyLimit::max(BODY_LIMIT));
    let pushing = pushing
        // The guide's own path has no prefix.
        .route("/events", routing::post(events::push::push))
        .route_layer(middleware::from_fn(http::negotiation::speak_json))
        .route_layer(middleware::from_fn_with_state(gate(Scope::EventsPush), http::admission::admit))
        .layer(DefaultBodyLimit::max(PUSH_BODY_LIMIT));
    guarded
        .merge(pushing)
        .merge(open)
        // Every path works under the prefixes, and this one without any as well.
        .route("/admin/openapi", routing::get(openapi::show))
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(middleware::from_fn(http::request_log::observe))
        .with_state(app)
}

/// The routes that want a token, with what they say of themselves.
fn guarded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(webhooks::routes::list, webhooks::routes::create))
        .routes(routes!(webhooks::routes::count))
        .routes(routes!(webhooks::routes::show, webhooks::routes::update, webhooks::routes::delete))
        .routes(routes!(deliveries::routes::list))
        .routes(routes!(deliveries::routes::replay))
        .routes(routes!(deliveries::routes::stats))
        .routes(routes!(deliveries::test_events::send))
        .routes(routes!(deliveries::routes::show))
        .routes(routes!(deliveries::routes::redeliver))
        .routes(routes!(events::topics::list))
        .routes(routes!(secrets::rotate))
}

/// The routes that want a token which may push events, with what they say of themselves.
fn pushing() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events::push::push))
}

/// The routes for everyone, with what they say of themselves.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(openapi::show))
}

/// The largest body that is read, in bytes: far more than a webhook needs, and far less than the
/// function's memory when JSON has become values.
const BODY_LIMIT: usize = 1024 * 1024;
