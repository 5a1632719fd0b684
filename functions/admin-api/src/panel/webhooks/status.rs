//! The status of a webhook: in a word, and pausing and resuming.

use axum::{Extension, extract::State, response::Response};
use serde_json::{Map, Value};
use storehook_domain::webhook::Status;

use crate::{
    app::App,
    http::bodies::{PathId, id_of},
    panel::{
        fields::Form,
        look::page::{Notice, done},
        problem::Problem,
        session::Session,
        webhooks::place::{LIST, Place},
    },
    webhooks::{operations::update_webhook, responses::WebhookProperties},
};

/// A webhook's status in a word. An active webhook that is failing shows as failing.
pub(crate) fn status_of(webhook: &WebhookProperties<'_>) -> &'static str {
    let is_active = webhook.status == Status::Active.as_str();
    if is_active && webhook.failing_since.is_some() { "failing" } else { webhook.status }
}

/// Sets the status, and leads back to the list or to the webhook: to where the button was.
pub(crate) async fn change(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let id = id_of(id, str::parse)?;
    let attributes = Map::from_iter([("status".to_owned(), Value::from(fields.get("status")))]);
    let webhook = update_webhook(&app, &session.caller, id, &attributes, None).await?;
    let notice = if webhook.status == Status::Active { Notice::Resumed } else { Notice::Paused };
    let back = if fields.has("from") { Place::read(&fields).path() } else { format!("{LIST}/{id}") };
    Ok(done(&back, notice))
}
