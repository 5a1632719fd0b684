//! The form of a webhook: it creates one, or changes it.
//!
//! A form becomes the JSON that the API takes, so its errors are the API's. Attributes that nobody
//! touched are left out, and so keep their values: custom headers show as masks, which no secret
//! leaves. A form that is refused comes back with all that was typed.
//!
//! A form holds the version of its webhook. If that has changed meanwhile, what nobody touched would
//! be written back as it was, so the form comes back and says what it would replace.

pub(crate) mod draft;
pub(crate) mod page;

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::tz::TimeZone;
use maud::Markup;
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
            form::{
                draft::Draft,
                page::{FormPage, changed},
            },
            place::LIST,
        },
    },
    webhooks::{
        health::WebhookHealth,
        operations::{create_webhook, find_webhook, update_webhook},
        responses::WebhookResponse,
    },
};

/// Shows the form of a new webhook. The query may fill in topic and address.
pub(crate) async fn new(Query(query): Query) -> Page {
    let (draft, errors) = (Draft::new().prefilled(&query), FieldErrors::default());
    page(None, &draft, &errors, Markup::default())
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
            Err(ApiError::Invalid(refusal)) => errors = refusal,
            Err(error) => return Ok(Problem::from(error).above(|above| page(None, &draft, &errors, above))),
        },
        Ok(_) => {}
        Err(invalid) => errors.extend(invalid),
    }
    Ok(refused(page(None, &draft, &errors, Markup::default())))
}

/// Shows the form of a webhook as it is.
pub(crate) async fn edit(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
) -> Result<Page, Problem> {
    let id = id_of(id, str::parse)?;
    let webhook = find_webhook(&app, &session.caller, id).await?;
    Ok(page(version_of(&webhook), &draft_of(&webhook), &FieldErrors::default(), Markup::default()))
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
    let (before, of) = (draft_of(&webhook), version_of(&webhook));
    let draft = before.typed(&fields);
    let shown = fields.get("version").parse();
    if shown != Ok(webhook.version) {
        return Ok(outdated(&webhook, &draft));
    }
    let (attributes, mut errors) = draft.attributes(&before);
    if errors.is_empty() {
        match update_webhook(&app, &session.caller, id, &attributes, shown.ok()).await {
            Ok(_) => return Ok(done(&format!("{LIST}/{id}"), Notice::Saved)),
            // Another change came after the version was read.
            Err(ApiError::Invalid(refusal)) if refusal.names("version") => {
                return Ok(outdated(&find_webhook(&app, &session.caller, id).await?, &draft));
            }
            Err(ApiError::Invalid(refusal)) => errors = refusal,
            Err(error) => return Ok(Problem::from(error).above(|above| page(of, &draft, &errors, above))),
        }
    } else if let Err(invalid) = WebhookPatch::parse(&attributes, &app.settings.rules, &webhook) {
        errors.extend(invalid);
    }
    Ok(refused(page(of, &draft, &errors, Markup::default())))
}

fn draft_of(webhook: &Webhook) -> Draft {
    Draft::of(
        &WebhookResponse::of(webhook, &WebhookHealth::default(), &TimeZone::UTC, None).webhook.properties,
    )
}

/// The form with what was typed, and what has changed since it was shown.
fn outdated(webhook: &Webhook, draft: &Draft) -> Response {
    let above = changed(draft, &draft_of(webhook));
    let page = page(version_of(webhook), draft, &FieldErrors::default(), above);
    page.with(StatusCode::CONFLICT).into_response()
}

fn version_of(webhook: &Webhook) -> Option<(WebhookId, u64)> {
    Some((webhook.id, webhook.version))
}

fn page(of: Option<(WebhookId, u64)>, draft: &Draft, errors: &FieldErrors, above: Markup) -> Page {
    FormPage { of, draft, errors, above }.page()
}

fn refused(page: Page) -> Response {
    page.with(StatusCode::UNPROCESSABLE_ENTITY).into_response()
}
