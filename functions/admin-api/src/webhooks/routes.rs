//! The routes: each reads its request, lets the domain judge it, and asks the store.
//!
//! The first line of each handler's documentation is its summary in the OpenAPI
//! description, and the rest its description there.

use axum::{
    Extension, Json,
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use storehook_domain::{
    input::field_errors::FieldErrors,
    webhook::{
        Webhook,
        new_webhook::{NewWebhook, WebhookPatch},
        query::WebhookQuery,
    },
};

use crate::{
    App,
    error::ApiError,
    http::{
        admission::Caller,
        bodies::{PathId, RequestBody, object_of},
    },
    webhooks::{
        responses::{CountAnswer, EmptyAnswer, WebhookAnswer, WebhooksAnswer},
        schemas::{
            CountParameters, Errors, ListParameters, NewWebhookRequest, SingleParameters, WebhookRequest,
        },
        store::Change,
        transaction::WriteError,
    },
};

/// What a route answers.
pub(crate) type Answer = Result<Response, ApiError>;

/// List webhooks
///
/// By ascending id. A page beyond the end is empty.
#[utoipa::path(
    get,
    path = "/admin/webhooks",
    operation_id = "listWebhooks",
    tag = "webhooks",
    params(ListParameters),
    responses(
        (status = 200, description = "The webhooks.", body = WebhooksAnswer<'static>),
        (status = 400, description = "A parameter does not read or is out of its range.", body = Errors),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = WebhookQuery::parse(query.as_deref().unwrap_or_default()).map_err(ApiError::Query)?;
    let webhooks = app.store.list(&caller, &query).await?;
    let answer = WebhooksAnswer::of(&webhooks, &caller.time_zone, query.fields.as_deref());
    Ok(Json(answer).into_response())
}

/// Count webhooks
///
/// Of an address, of a topic, or all.
#[utoipa::path(
    get,
    path = "/admin/webhooks/count",
    operation_id = "countWebhooks",
    tag = "webhooks",
    params(CountParameters),
    responses(
        (status = 200, description = "How many there are.", body = CountAnswer),
        (status = 400, description = "A parameter does not read.", body = Errors),
    ),
)]
pub(crate) async fn count(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Answer {
    let filter = WebhookQuery::parse_count(query.as_deref().unwrap_or_default()).map_err(ApiError::Query)?;
    let count = app.store.count(&caller, &filter).await?;
    Ok(Json(CountAnswer { count }).into_response())
}

/// Show a webhook
///
/// All of it, or the properties that `fields` names.
#[utoipa::path(
    get,
    path = "/admin/webhooks/{id}",
    operation_id = "showWebhook",
    tag = "webhooks",
    params(("id" = u64, Path, description = "The webhook's id."), SingleParameters),
    responses(
        (status = 200, description = "The webhook.", body = WebhookAnswer<'static>),
        (status = 400, description = "A parameter does not read.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
    ),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    RawQuery(query): RawQuery,
) -> Answer {
    let fields = WebhookQuery::parse_fields(query.as_deref().unwrap_or_default()).map_err(ApiError::Query)?;
    let webhook = find(&app, &caller, &id).await?;
    Ok(answer(&webhook, &caller, fields.as_deref()))
}

/// Create a webhook
///
/// An app has a topic, address, format and protocol only once on a shop.
#[utoipa::path(
    post,
    path = "/admin/webhooks",
    operation_id = "createWebhook",
    tag = "webhooks",
    request_body = NewWebhookRequest,
    responses(
        (status = 201, description = "The new webhook.", body = WebhookAnswer<'static>),
        (status = 400, description = "The body is not JSON or lacks `webhook`.", body = Errors),
        (status = 413, description = "The body is over 1 MiB.", body = Errors),
        (status = 415, description = "The body is said to be something other than JSON.", body = Errors),
        (status = 422, description = "What is wrong with it, field by field.", body = Errors),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: RequestBody,
) -> Answer {
    let attributes = object_of(body, "webhook")?;
    let new = NewWebhook::parse(&attributes, &app.settings.rules).map_err(ApiError::Invalid)?;
    let webhook = app.store.create(&caller, new, storehook_aws::now()).await.map_err(write_error)?;
    Ok((StatusCode::CREATED, answer(&webhook, &caller, None)).into_response())
}

/// Change a webhook
///
/// What the body does not say stays. The path's id wins over the body's.
#[utoipa::path(
    put,
    path = "/admin/webhooks/{id}",
    operation_id = "updateWebhook",
    tag = "webhooks",
    params(("id" = u64, Path, description = "The webhook's id.")),
    request_body = WebhookRequest,
    responses(
        (status = 200, description = "The webhook as it is now.", body = WebhookAnswer<'static>),
        (status = 400, description = "The body is not JSON or lacks `webhook`.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
        (status = 413, description = "The body is over 1 MiB.", body = Errors),
        (status = 415, description = "The body is said to be something other than JSON.", body = Errors),
        (status = 422, description = "What is wrong with it, field by field.", body = Errors),
    ),
)]
pub(crate) async fn update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    body: RequestBody,
) -> Answer {
    let attributes = object_of(body, "webhook")?;
    // A change is judged against the webhook as it is, and judged anew if that has changed
    // before the change could be written.
    for _ in 0..WRITE_ATTEMPTS {
        let webhook = find(&app, &caller, &id).await?;
        let patch =
            WebhookPatch::parse(&attributes, &app.settings.rules, &webhook).map_err(ApiError::Invalid)?;
        let change = Change::to(webhook, patch, storehook_aws::now());
        match app.store.update(&change).await {
            Ok(()) => return Ok(answer(&change.after, &caller, None)),
            Err(WriteError::Outrun) => {}
            Err(error) => return Err(write_error(error)),
        }
    }
    Err(ApiError::Contended)
}

/// Delete a webhook
///
/// Its waiting deliveries end as well.
#[utoipa::path(
    delete,
    path = "/admin/webhooks/{id}",
    operation_id = "deleteWebhook",
    tag = "webhooks",
    params(("id" = u64, Path, description = "The webhook's id.")),
    responses(
        (status = 200, description = "It is deleted.", body = EmptyAnswer),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
    ),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
) -> Answer {
    for _ in 0..WRITE_ATTEMPTS {
        let webhook = find(&app, &caller, &id).await?;
        match app.store.delete(&webhook).await {
            Ok(()) => return Ok(Json(EmptyAnswer {}).into_response()),
            Err(WriteError::Outrun) => {}
            Err(error) => return Err(write_error(error)),
        }
    }
    Err(ApiError::Contended)
}

/// How often a write is tried that others outran.
const WRITE_ATTEMPTS: usize = 5;

/// The caller's webhook of that id. Whatever else is asked for is not found, in the same words.
pub(crate) async fn find(app: &App, caller: &Caller, id: &PathId) -> Result<Webhook, ApiError> {
    let Ok(Path(id)) = id else { return Err(ApiError::NotFound) };
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    app.store.get(caller, id).await?.ok_or(ApiError::NotFound)
}

fn answer(webhook: &Webhook, caller: &Caller, fields: Option<&[String]>) -> Response {
    Json(WebhookAnswer::of(webhook, &caller.time_zone, fields)).into_response()
}

fn write_error(error: WriteError) -> ApiError {
    match error {
        WriteError::Taken => {
            ApiError::Invalid(FieldErrors::one("address", "for this topic has already been taken"))
        }
        WriteError::Outrun => ApiError::Contended,
        WriteError::Table(error) => ApiError::Table(error),
    }
}
