//! The form of a webhook: it creates one, or changes it.
//!
//! A form becomes the JSON that the API takes, so its errors are the API's. Attributes that nobody
//! touched are left out, and so keep their values: custom headers show as masks, which no secret
//! leaves. A form that is refused comes back with all that was typed.

pub(crate) mod draft;
pub(crate) mod page;

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::tz::TimeZone;
use storehook_domain::{
    input::field_errors::FieldErrors,
    webhook::{
        Webhook, WebhookId,
        new_webhook::{NewWebhook, WebhookPatch},
    },
};

use crate::{
    app::App,
    error::ApiError,
    http::bodies::{PathId, id_of},
    panel::{
        fields::{Form, Query},
        look::page::{Notice, Page, done},
        problem::Problem,
        session::Session,
        webhooks::{
            form::{draft::Draft, page::FormPage},
            place::LIST,
        },
    },
    webhooks::{
        operations::{create_webhook, find_webhook, update_webhook},
        responses::WebhookResponse,
    },
};

/// Shows the form of a new webhook. The query may fill in topic and address.
pub(crate) async fn new(Query(query): Query) -> Page {
    FormPage { of: None, draft: &Draft::new().prefilled(&query), errors: &FieldErrors::default() }.page()
}

/// Creates a webhook.
pub(crate) async fn create(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let before = Draft::new();
    let draft = before.typed(&fields);
    let (attributes, mut errors) = draft.attributes(&before);
    match NewWebhook::parse(&attributes, &app.settings.rules) {
        Ok(new) if errors.is_empty() => match create_webhook(&app, &session.caller, new).await {
            Ok(webhook) => return Ok(done(&format!("{LIST}/{}", webhook.id), Notice::Created)),
            Err(error) => errors = refusal(error)?,
        },
        Ok(_) => {}
        Err(invalid) => errors.extend(invalid),
    }
    Ok(refused(FormPage { of: None, draft: &draft, errors: &errors }))
}

/// Shows the form of a webhook as it is.
pub(crate) async fn edit(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
) -> Result<Page, Problem> {
    let id = id_of(id, str::parse)?;
    let draft = draft_of(&find_webhook(&app, &session.caller, id).await?);
    Ok(FormPage { of: Some(id), draft: &draft, errors: &FieldErrors::default() }.page())
}

/// Changes a webhook.
pub(crate) async fn update(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let id: WebhookId = id_of(id, str::parse)?;
    let webhook = find_webhook(&app, &session.caller, id).await?;
    let before = draft_of(&webhook);
    let draft = before.typed(&fields);
    let (attributes, mut errors) = draft.attributes(&before);
    if errors.is_empty() {
        match update_webhook(&app, &session.caller, id, &attributes).await {
            Ok(_) => return Ok(done(&format!("{LIST}/{id}"), Notice::Saved)),
            Err(error) => errors = refusal(error)?,
        }
    } else if let Err(invalid) = WebhookPatch::parse(&attributes, &app.settings.rules, &webhook) {
        errors.extend(invalid);
    }
    Ok(refused(FormPage { of: Some(id), draft: &draft, errors: &errors }))
}

fn draft_of(webhook: &Webhook) -> Draft {
    Draft::of(&WebhookResponse::of(webhook, &TimeZone::UTC, None).webhook.properties)
}

/// The errors that belong beside the fields of the form.
fn refusal(error: ApiError) -> Result<FieldErrors, ApiError> {
    match error {
        ApiError::Invalid(errors) => Ok(errors),
        other => Err(other),
    }
}

fn refused(form: FormPage<'_>) -> Response {
    form.page().with(StatusCode::UNPROCESSABLE_ENTITY).into_response()
}
