//! The routes: each reads its request, lets the domain judge it, and asks the store.

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, RawQuery, State,
        rejection::{BytesRejection, PathRejection},
    },
    http::StatusCode,
};
use serde_json::{Map, Value, json};
use storehook_domain::{FieldErrors, NewWebhook, Webhook, WebhookPatch};

use crate::{
    App, caller::Caller, error::ApiError, list_query::ListQuery, store::Change, transaction::WriteError,
    wire::webhook_json,
};

type Answer = Result<Json<Value>, ApiError>;

/// The id in a path, which may be anything.
type PathId = Result<Path<String>, PathRejection>;

/// A body, which may be too large.
type RequestBody = Result<Bytes, BytesRejection>;

/// `GET /admin/webhooks`
pub(crate) async fn list(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = list_query(query)?;
    let webhooks = app.store.list(&caller, &query).await?;
    let shown: Vec<_> = webhooks
        .iter()
        .map(|webhook| webhook_json(webhook, &caller.time_zone, query.fields.as_deref()))
        .collect();
    Ok(Json(json!({ "webhooks": shown })))
}

/// `GET /admin/webhooks/count`
pub(crate) async fn count(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = list_query(query)?;
    Ok(Json(json!({ "count": app.store.count(&caller, &query.filter).await? })))
}

/// `GET /admin/webhooks/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    id: PathId,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = list_query(query)?;
    let webhook = find(&app, &caller, &id).await?;
    Ok(one(&webhook, &caller, query.fields.as_deref()))
}

/// `POST /admin/webhooks`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    body: RequestBody,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let attributes = webhook_attributes(body)?;
    let new = NewWebhook::parse(&attributes, &app.settings.rules).map_err(ApiError::Invalid)?;
    let webhook = app.store.create(&caller, new, storehook_aws::now()).await.map_err(write_error)?;
    Ok((StatusCode::CREATED, one(&webhook, &caller, None)))
}

/// `PUT /admin/webhooks/{id}`
pub(crate) async fn update(State(app): State<App>, caller: Caller, id: PathId, body: RequestBody) -> Answer {
    let attributes = webhook_attributes(body)?;
    // A change is judged against the webhook as it is, and judged anew if that has changed
    // before the change could be written.
    for _ in 0..WRITE_ATTEMPTS {
        let webhook = find(&app, &caller, &id).await?;
        let patch =
            WebhookPatch::parse(&attributes, &app.settings.rules, &webhook).map_err(ApiError::Invalid)?;
        let change = Change::to(webhook, patch, storehook_aws::now());
        match app.store.update(&change).await {
            Ok(()) => return Ok(one(&change.after, &caller, None)),
            Err(WriteError::Outrun) => {}
            Err(error) => return Err(write_error(error)),
        }
    }
    Err(ApiError::Contended)
}

/// `DELETE /admin/webhooks/{id}`
pub(crate) async fn delete(State(app): State<App>, caller: Caller, id: PathId) -> Answer {
    for _ in 0..WRITE_ATTEMPTS {
        let webhook = find(&app, &caller, &id).await?;
        match app.store.delete(&webhook).await {
            Ok(()) => return Ok(Json(json!({}))),
            Err(WriteError::Outrun) => {}
            Err(error) => return Err(write_error(error)),
        }
    }
    Err(ApiError::Contended)
}

/// How often a write is tried that others outran.
const WRITE_ATTEMPTS: usize = 5;

fn list_query(query: Option<String>) -> Result<ListQuery, ApiError> {
    ListQuery::parse(query.as_deref().unwrap_or_default()).map_err(ApiError::Query)
}

/// The caller's webhook of that id. Whatever else is asked for is not found, in the same words.
async fn find(app: &App, caller: &Caller, id: &PathId) -> Result<Webhook, ApiError> {
    let Ok(Path(id)) = id else { return Err(ApiError::NotFound) };
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    app.store.get(caller, id).await?.ok_or(ApiError::NotFound)
}

/// The `webhook` object of a body.
fn webhook_attributes(body: RequestBody) -> Result<Map<String, Value>, ApiError> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
        _ => ApiError::NoWebhook,
    })?;
    let body: Value = serde_json::from_slice(&body).map_err(|_| ApiError::NoWebhook)?;
    match body {
        Value::Object(mut members) => match members.remove("webhook") {
            Some(Value::Object(attributes)) => Ok(attributes),
            _ => Err(ApiError::NoWebhook),
        },
        _ => Err(ApiError::NoWebhook),
    }
}

fn one(webhook: &Webhook, caller: &Caller, fields: Option<&[String]>) -> Json<Value> {
    Json(json!({ "webhook": webhook_json(webhook, &caller.time_zone, fields) }))
}

fn write_error(error: WriteError) -> ApiError {
    match error {
        WriteError::Taken => {
            ApiError::Invalid(FieldErrors::one("address", "for this topic has already been taken"))
        }
        WriteError::Outrun => ApiError::Contended,
        WriteError::Registry(error) => ApiError::Registry(error),
    }
}
