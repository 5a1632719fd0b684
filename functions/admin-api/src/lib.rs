//! The admin API: how an app manages its webhooks, sees and replays their deliveries, and pushes events.
//!
//! API Gateway hands every request to this one function (a single `$default` route), and
//! the router here tells them apart. A request passes these rooms: [`paths`] brings the
//! spellings of a path to one; [`observe`] writes its line of the log; [`admission`] turns
//! the token into who calls, which is all that decides what the caller can see, and counts
//! the call; [`negotiation`] sees that both speak JSON; the routes ([`routes`] of webhooks,
//! [`deliveries`], [`test_events`], [`topics`], [`secrets`], [`pushes`]) read the request, let the domain
//! judge it and ask the [`store`] of webhooks, the one of deliveries, the queue or the stream. [`error`] is the only place that turns a
//! failure into a status and a text, and [`openapi`] tells the world what the routes are.
//!
//! What is promised: an app never sees another app's or shop's webhooks, because every
//! key is built from the caller and never from the request alone; no two webhooks of an
//! installation are the same, because the place of each is held in the same transaction;
//! and what goes wrong inside is logged here and never told outside.

mod admission;
mod call_limit;
mod deliveries;
mod delivery_index;
mod delivery_queue;
mod delivery_schemas;
mod delivery_store;
mod delivery_wire;
mod error;
mod negotiation;
mod observe;
mod openapi;
mod paths;
mod pushes;
mod replay_step;
mod replay_wire;
mod request_body;
mod routes;
mod schemas;
mod secrets;
mod settings;
mod store;
mod test_events;
mod topics;
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
use storehook_aws::history::HistoryTable;
use storehook_domain::installation::Scope;
use tower::{Layer as _, Service, util::MapRequestLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use observe::REQUEST_TIMEOUT;
pub use openapi::description;
pub use settings::Settings;

use crate::{
    admission::Gate,
    call_limit::CallLimit,
    delivery_queue::DeliveryQueue,
    delivery_store::DeliveryStore,
    error::ApiError,
    pushes::{EventStream, PUSH_BODY_LIMIT},
    store::WebhookStore,
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
    MapRequestLayer::new(paths::to_canonical).layer(router(app))
}

fn router(app: App) -> Router {
    let gate = |scope| Gate { app: app.clone(), scope };
    let (guarded, _) = guarded().split_for_parts();
    let (pushing, _) = pushing().split_for_parts();
    let (open, _) = open().split_for_parts();
    let guarded = guarded
        .route_layer(middleware::from_fn(negotiation::speak_json))
        .route_layer(middleware::from_fn_with_state(gate(Scope::Webhooks), admission::admit))
        .layer(DefaultBodyLimit::max(BODY_LIMIT));
    let pushing = pushing
        // The guide's own path has no prefix.
        .route("/events", routing::post(pushes::push))
        .route_layer(middleware::from_fn(negotiation::speak_json))
        .route_layer(middleware::from_fn_with_state(gate(Scope::EventsPush), admission::admit))
        .layer(DefaultBodyLimit::max(PUSH_BODY_LIMIT));
    guarded
        .merge(pushing)
        .merge(open)
        // Every path works under the prefixes, and this one without any as well.
        .route("/admin/openapi", routing::get(openapi::show))
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(middleware::from_fn(observe::observe))
        .with_state(app)
}

/// The routes that want a token, with what they say of themselves.
fn guarded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::list, routes::create))
        .routes(routes!(routes::count))
        .routes(routes!(routes::show, routes::update, routes::delete))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::replay))
        .routes(routes!(deliveries::stats))
        .routes(routes!(test_events::send))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::redeliver))
        .routes(routes!(topics::list))
        .routes(routes!(secrets::rotate))
}

/// The routes that want a token which may push events, with what they say of themselves.
fn pushing() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(pushes::push))
}

/// The routes for everyone, with what they say of themselves.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(openapi::show))
}

/// The largest body that is read, in bytes: far more than a webhook needs, and far less than the
/// function's memory when JSON has become values.
const BODY_LIMIT: usize = 1024 * 1024;
