//! The control panel: the same as the API, for people with a browser.
//!
//! A request passes [`shell`] (the document around a page, and every security header), then
//! [`session`] (who is signed in), then reaches the handler of its page. A handler reads its query
//! or form, calls the operation that the API's route calls, and makes a page of the response that
//! the API would print. So a page can do and show nothing that the API would not. Errors are
//! [`problem`]s: pages with the API's statuses and words.
//!
//! Pages are written on the server ([`look`] has their parts) and work without JavaScript. htmx
//! speeds up links and forms, and lets what is running show itself again. Every list's and every
//! form's state is in its URL, so a link can be shared.
//!
//! What reaches a page from outside is hostile: payloads, URLs, headers and responses. maud escapes
//! all of it, and the policy of [`shell`] runs none of it.

pub(crate) mod look;

pub(crate) mod assets;
pub(crate) mod fields;
pub(crate) mod problem;
pub(crate) mod session;
pub(crate) mod shell;

pub(crate) mod links;
pub(crate) mod sign_in;

pub(crate) mod deliveries;
pub(crate) mod events;
pub(crate) mod overview;
pub(crate) mod push;
pub(crate) mod replays;
pub(crate) mod secrets;
pub(crate) mod topics;
pub(crate) mod webhooks;

use axum::{Router, extract::DefaultBodyLimit, http::Uri, middleware, response::Redirect, routing};
use tower_http::compression::CompressionLayer;

use crate::{app::App, error::ApiError, panel::problem::Problem};

/// The largest form, in bytes: as much as the API's routes read.
const FORM_LIMIT: usize = 1024 * 1024;

/// The largest form that pushes an event: all that Lambda takes. A form's payload is longer than the
/// API's, because its quotes and braces are escaped.
const PUSH_FORM_LIMIT: usize = 6 * 1024 * 1024;

/// The panel's routes.
pub(crate) fn routes(app: &App) -> Router<App> {
    let inside = Router::new()
        .route("/panel", routing::get(overview::show))
        .route("/panel/deliveries", routing::get(deliveries::list::show))
        .route("/panel/deliveries/{id}", routing::get(deliveries::delivery::show))
        .route("/panel/deliveries/{id}/body", routing::get(deliveries::delivery::body))
        .route("/panel/deliveries/{id}/redeliver", routing::get(up).post(deliveries::delivery::redeliver))
        .route("/panel/events", routing::get(events::show))
        .route("/panel/webhooks", routing::get(webhooks::list::show).post(webhooks::form::create))
        .route("/panel/webhooks/new", routing::get(webhooks::form::new))
        .route("/panel/webhooks/{id}", routing::post(webhooks::form::update))
        .route("/panel/webhooks/{id}/edit", routing::get(webhooks::form::edit))
        .route("/panel/webhooks/{id}/status", routing::get(up).post(webhooks::status::change))
        .route(
            "/panel/webhooks/{id}/delete",
            routing::get(webhooks::delete::ask).post(webhooks::delete::delete),
        )
        .route("/panel/sign-out", routing::post(sign_in::sign_out))
        .route("/panel/webhooks/{id}", routing::get(webhooks::webhook::show))
        .route("/panel/webhooks/{id}/recent", routing::get(webhooks::webhook::show_recent))
        .route("/panel/webhooks/{id}/test", routing::get(up).post(webhooks::webhook::send_test))
        .route("/panel/webhooks/{id}/replays", routing::get(replays::list::show).post(replays::new::begin))
        .route("/panel/webhooks/{id}/replays/new", routing::get(replays::new::show))
        .route("/panel/webhooks/{id}/replays/{replay}", routing::get(replays::replay::show))
        .route(
            "/panel/webhooks/{id}/replays/{replay}/stop",
            routing::get(replays::stop::ask).post(replays::stop::stop),
        )
        .route("/panel/topics", routing::get(topics::show))
        .route(
            "/panel/push",
            routing::get(push::show).post(push::push).layer(DefaultBodyLimit::max(PUSH_FORM_LIMIT)),
        )
        .route("/panel/secrets", routing::get(secrets::signing::show))
        .route("/panel/secrets/rotate", routing::get(secrets::signing::lead).post(secrets::rotation::rotate))
        .route("/panel/secrets/verify", routing::get(secrets::verify::show).post(secrets::verify::verify))
        .route("/panel/{*rest}", routing::any(async || Problem::from(ApiError::NotFound)))
        .method_not_allowed_fallback(async || Problem::from(ApiError::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .route_layer(middleware::from_fn_with_state(app.clone(), session::admit));
    inside
        .route("/panel/sign-in", routing::get(sign_in::show).post(sign_in::sign_in))
        .route("/panel/link", routing::get(sign_in::show_link).post(sign_in::use_link))
        .route("/panel/assets/{name}", routing::get(assets::route::show))
        .layer(middleware::from_fn_with_state(app.clone(), shell::dress))
        .layer(CompressionLayer::new())
}

/// Leads from the URL of a form to what it belongs to: a reload after a refusal must not end at
/// nothing.
async fn up(uri: Uri) -> Redirect {
    Redirect::to(uri.path().rsplit_once('/').map_or("/panel", |(above, _)| above))
}

#[cfg(test)]
mod any_form;
#[cfg(test)]
mod tests {
    use axum::{http::header, response::IntoResponse as _};

    use super::*;

    #[tokio::test]
    async fn a_reload_of_a_refused_form_leads_to_what_it_belongs_to() {
        for (path, expected) in [
            ("/panel/webhooks/7/test?a=b", "/panel/webhooks/7"),
            ("/panel/deliveries/7-e/redeliver", "/panel/deliveries/7-e"),
        ] {
            let response = up(Uri::from_static(path)).await.into_response();
            assert_eq!(response.headers()[header::LOCATION], expected);
        }
    }
}
