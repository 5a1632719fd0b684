//! The routes of webhooks: each reads its request, calls its operation and prints the result.
//!
//! The first line of a handler's documentation is its summary in the OpenAPI description, and the
//! rest is its description there.

use axum::{
    Extension, Json,
    extract::{RawQuery, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use storehook_domain::webhook::{
    new_webhook::NewWebhook,
    query::{WebhookQuery, neighbours::Neighbours},
};

use crate::{
    app::App,
    error::ApiError,
    http::{
        bodies::{PathId, RequestBody, id_of, object_of},
        caller::Caller,
        page_links::ListUrl,
        schemas::Errors,
    },
    webhooks::{
        health::{WantedHealth, WebhookHealth},
        operations::{
            count_webhooks, create_webhook, delete_webhook, find_webhook, list_health, list_page,
            load_health, update_webhook,
        },
        responses::{CountResponse, EmptyResponse, WebhookResponse, WebhooksResponse},
        schemas::{CountParameters, ListParameters, NewWebhookRequest, SingleParameters, WebhookRequest},
    },
};

/// List webhooks
///
/// Lists webhooks by ascending id. A page beyond the end is empty. The header `Link` leads to the
/// pages before and after.
#[utoipa::path(
    get,
    path = "/admin/webhooks",
    operation_id = "listWebhooks",
    tag = "webhooks",
    params(ListParameters),
    responses(
        (
            status = 200,
            description = "The webhooks.",
            body = WebhooksResponse<'static>,
            headers(("Link" = String, description = "Where the other pages are (RFC 8288), as absolute URLs: `rel=\"previous\"` and `rel=\"next\"`. Absent if there are none.")),
        ),
        (status = 400, description = "A parameter is malformed or out of range.", body = Errors),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    let url = ListUrl::of(app.settings.public_url.as_deref(), &request);
    let query = WebhookQuery::parse(request.uri().query().unwrap_or_default(), &caller.time_zone);
    let query = query.map_err(ApiError::Query)?;
    let (webhooks, has_more) = list_page(&app, &caller, &query).await?;
    let ids: Vec<_> = webhooks.iter().map(|webhook| webhook.id).collect();
    let Neighbours { previous, next } = query.neighbours(&ids, has_more);
    let fields = query.fields.as_ref().map(|fields| ("fields", fields.join(",")));
    let kept: Vec<_> = [("limit", query.limit.to_string())].into_iter().chain(fields).collect();
    let links = url.links(&kept, previous.as_deref(), next.as_deref());
    let healths = list_health(&app, &caller, &webhooks, WantedHealth::by(query.fields.as_deref())).await?;
    let response = WebhooksResponse::of(&webhooks, &healths, &caller.time_zone, query.fields.as_deref());
    Ok((links, Json(response)).into_response())
}

/// Count webhooks
///
/// Counts all webhooks, or those with an address or a topic.
#[utoipa::path(
    get,
    path = "/admin/webhooks/count",
    operation_id = "countWebhooks",
    tag = "webhooks",
    params(CountParameters),
    responses(
        (status = 200, description = "The number of webhooks.", body = CountResponse),
        (status = 400, description = "A parameter is malformed.", body = Errors),
    ),
)]
pub(crate) async fn count(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let filter = WebhookQuery::parse_count(query.as_deref().unwrap_or_default()).map_err(ApiError::Query)?;
    let count = count_webhooks(&app, &caller, &filter).await?;
    Ok(Json(CountResponse { count }).into_response())
}

/// Show a webhook
///
/// Shows all properties, or those that `fields` names.
#[utoipa::path(
    get,
    path = "/admin/webhooks/{id}",
    operation_id = "showWebhook",
    tag = "webhooks",
    params(("id" = u64, Path, description = "The webhook's id."), SingleParameters),
    responses(
        (status = 200, description = "The webhook.", body = WebhookResponse<'static>),
        (status = 400, description = "A parameter is malformed.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
    ),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let fields = WebhookQuery::parse_fields(query.as_deref().unwrap_or_default()).map_err(ApiError::Query)?;
    let webhook = find_webhook(&app, &caller, id_of(id, str::parse)?).await?;
    let health = load_health(&app, &webhook, WantedHealth::by(fields.as_deref())).await?;
    let response = WebhookResponse::of(&webhook, &health, &caller.time_zone, fields.as_deref());
    Ok(Json(response).into_response())
}

/// Create a webhook
///
/// An app cannot have two webhooks on a shop with the same topic, address, format and protocol, nor
/// more webhooks there than the operator permits: 1000, unless it is set otherwise.
#[utoipa::path(
    post,
    path = "/admin/webhooks",
    operation_id = "createWebhook",
    tag = "webhooks",
    request_body = NewWebhookRequest,
    responses(
        (status = 201, description = "The new webhook.", body = WebhookResponse<'static>),
        (status = 400, description = "The body is not JSON or lacks `webhook`.", body = Errors),
        (status = 413, description = "The body is over 1 MiB.", body = Errors),
        (status = 415, description = "`Content-Type` is not JSON.", body = Errors),
        (status = 422, description = "The webhook is invalid, field by field; or the app has as many webhooks on the shop as it may have, which `base` says.", body = Errors),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: RequestBody,
) -> Result<Response, ApiError> {
    let attributes = object_of(body, "webhook")?;
    let new = NewWebhook::parse(&attributes, &app.settings.rules).map_err(ApiError::Invalid)?;
    let webhook = create_webhook(&app, &caller, new).await?;
    let health = WebhookHealth { held: Some(0), ..WebhookHealth::default() };
    let response = WebhookResponse::of(&webhook, &health, &caller.time_zone, None);
    Ok((StatusCode::CREATED, Json(response)).into_response())
}

/// Change a webhook
///
/// Changes the properties in the body and keeps all others. An id in the body is ignored. If deliveries
/// are held because the endpoint fails, a change brings the next probe at once.
#[utoipa::path(
    put,
    path = "/admin/webhooks/{id}",
    operation_id = "updateWebhook",
    tag = "webhooks",
    params(("id" = u64, Path, description = "The webhook's id.")),
    request_body = WebhookRequest,
    responses(
        (status = 200, description = "The changed webhook.", body = WebhookResponse<'static>),
        (status = 400, description = "The body is not JSON or lacks `webhook`.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
        (status = 413, description = "The body is over 1 MiB.", body = Errors),
        (status = 415, description = "`Content-Type` is not JSON.", body = Errors),
        (status = 422, description = "The webhook is invalid, field by field.", body = Errors),
    ),
)]
pub(crate) async fn update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    body: RequestBody,
) -> Result<Response, ApiError> {
    let attributes = object_of(body, "webhook")?;
    let webhook = update_webhook(&app, &caller, id_of(id, str::parse)?, &attributes, None).await?;
    let health = load_health(&app, &webhook, WantedHealth::ALL).await?;
    Ok(Json(WebhookResponse::of(&webhook, &health, &caller.time_zone, None)).into_response())
}

/// Delete a webhook
///
/// Deletes the webhook and cancels its waiting deliveries.
#[utoipa::path(
    delete,
    path = "/admin/webhooks/{id}",
    operation_id = "deleteWebhook",
    tag = "webhooks",
    params(("id" = u64, Path, description = "The webhook's id.")),
    responses(
        (status = 200, description = "The webhook is deleted.", body = EmptyResponse),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
    ),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
) -> Result<Response, ApiError> {
    delete_webhook(&app, &caller, id_of(id, str::parse)?).await?;
    Ok(Json(EmptyResponse {}).into_response())
}
