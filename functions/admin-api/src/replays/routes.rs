//! The routes that send deliveries again.

use axum::{
    Extension, Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use storehook_domain::{
    delivery::id::DeliveryId, event::id::EventId, job::replay::request::ReplayRequest, webhook::WebhookId,
};

use crate::{
    app::App,
    deliveries::responses::DeliverySummaryResponse,
    error::ApiError,
    http::{
        bodies::{PathId, RequestBody, id_of, object_of},
        caller::Caller,
        schemas::Errors,
    },
    replays::{
        operations::{begin_replay, count_deliveries, find_replay, list_replays, stop_replay},
        redelivery::redeliver_one,
        responses::{DryRunResponse, ReplayResponse, ReplaysResponse},
        schemas::ReplayBody,
    },
    webhooks::operations::find_webhook,
};

/// Deliver again
///
/// Begins a new run of attempts of the same delivery, whatever its state. The response shows the
/// delivery as it is; the run shows with its first attempt.
#[utoipa::path(
    post,
    path = "/admin/deliveries/{id}/redeliver",
    operation_id = "redeliver",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery's id, `<webhook id>-<event id>`.")),
    responses(
        (status = 202, description = "The delivery is queued.", body = DeliverySummaryResponse),
        (status = 404, description = "The app has no such delivery on the shop, or it has expired.", body = Errors),
        (status = 415, description = "`Content-Type` is not JSON.", body = Errors),
        (status = 422, description = "The webhook is deleted or not active, or the payload has expired.", body = Errors),
    ),
)]
pub(crate) async fn redeliver(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
) -> Result<Response, ApiError> {
    let record = redeliver_one(&app, &caller, &id_of(id, DeliveryId::parse)?, uuid::Uuid::new_v4()).await?;
    let response = DeliverySummaryResponse::of(&record, &caller.time_zone);
    Ok((StatusCode::ACCEPTED, Json(response)).into_response())
}

/// Replay a webhook's deliveries
///
/// Sends the deliveries of a window of time and a state again, the oldest first. The replay goes on
/// by itself: the response shows it as it begins. Repeat a call whose response was lost with the
/// same `id`. A dry run counts for a few seconds and sends nothing.
#[utoipa::path(
    post,
    path = "/admin/webhooks/{id}/replay",
    operation_id = "replayDeliveries",
    tag = "deliveries",
    params(("id" = u64, Path, description = "The webhook's id.")),
    request_body = ReplayBody,
    responses(
        (status = 200, description = "The count of a dry run.", body = DryRunResponse),
        (status = 202, description = "The replay.", body = ReplayResponse),
        (status = 400, description = "The body is not JSON or lacks `replay`.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
        (status = 413, description = "The body is over 1 MiB.", body = Errors),
        (status = 415, description = "`Content-Type` is not JSON.", body = Errors),
        (status = 422, description = "The replay is invalid, or the webhook is not active.", body = Errors),
    ),
)]
pub(crate) async fn replay(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    body: RequestBody,
) -> Result<Response, ApiError> {
    let members = object_of(body, "replay")?;
    let webhook_id = id_of(id, str::parse)?;
    let request = ReplayRequest::parse(&members, &caller.time_zone, storehook_aws::now());
    let request = request.map_err(ApiError::Invalid)?;
    if request.is_dry_run {
        let dry_run = count_deliveries(&app, &caller, webhook_id, &request).await?;
        return Ok(Json(DryRunResponse::of(&request, &dry_run, &caller.time_zone)).into_response());
    }
    let record = begin_replay(&app, &caller, webhook_id, request, None).await?;
    Ok((StatusCode::ACCEPTED, Json(ReplayResponse::of(&record, &caller.time_zone))).into_response())
}

/// List a webhook's replays
///
/// Lists up to 250 replays, the latest first.
#[utoipa::path(
    get,
    path = "/admin/webhooks/{id}/replays",
    operation_id = "listReplays",
    tag = "deliveries",
    params(("id" = u64, Path, description = "The webhook's id.")),
    responses(
        (status = 200, description = "The replays.", body = ReplaysResponse),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
) -> Result<Response, ApiError> {
    let webhook = find_webhook(&app, &caller, id_of(id, str::parse)?).await?;
    let records = list_replays(&app, &webhook).await?;
    Ok(Json(ReplaysResponse::of(&records, &caller.time_zone)).into_response())
}

/// Show a replay
///
/// Shows how far a replay is. After a crash its counts may be a little too low.
#[utoipa::path(
    get,
    path = "/admin/webhooks/{id}/replays/{replay_id}",
    operation_id = "showReplay",
    tag = "deliveries",
    params(
        ("id" = u64, Path, description = "The webhook's id."),
        ("replay_id" = String, Path, description = "The replay's id."),
    ),
    responses(
        (status = 200, description = "The replay.", body = ReplayResponse),
        (status = 404, description = "The webhook has no such replay, or it has expired.", body = Errors),
    ),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    ids: PathIds,
) -> Result<Response, ApiError> {
    let (webhook_id, replay_id) = ids_of(ids)?;
    let webhook = find_webhook(&app, &caller, webhook_id).await?;
    let record = find_replay(&app, &webhook, &replay_id).await?;
    Ok(Json(ReplayResponse::of(&record, &caller.time_zone)).into_response())
}

/// Stop a replay
///
/// Stops a replay that runs. Deliveries that are queued are still sent, at most those of 5 seconds.
#[utoipa::path(
    delete,
    path = "/admin/webhooks/{id}/replays/{replay_id}",
    operation_id = "stopReplay",
    tag = "deliveries",
    params(
        ("id" = u64, Path, description = "The webhook's id."),
        ("replay_id" = String, Path, description = "The replay's id."),
    ),
    responses(
        (status = 200, description = "The replay: stopped, or done if it was done before.", body = ReplayResponse),
        (status = 404, description = "The webhook has no such replay, or it has expired.", body = Errors),
    ),
)]
pub(crate) async fn stop(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    ids: PathIds,
) -> Result<Response, ApiError> {
    let (webhook_id, replay_id) = ids_of(ids)?;
    let record = stop_replay(&app, &caller, webhook_id, &replay_id).await?;
    Ok(Json(ReplayResponse::of(&record, &caller.time_zone)).into_response())
}

/// The ids of a webhook and of one of its replays. They may be malformed.
pub(crate) type PathIds = Result<Path<(String, String)>, PathRejection>;

/// Reads both ids. A malformed id belongs to nothing, so it is not found.
pub(crate) fn ids_of(ids: PathIds) -> Result<(WebhookId, String), ApiError> {
    let Ok(Path((webhook_id, replay_id))) = ids else { return Err(ApiError::NotFound) };
    let replay_id = EventId::parse(&replay_id).map_err(|_| ApiError::NotFound)?;
    Ok((webhook_id.parse().map_err(|_| ApiError::NotFound)?, replay_id.to_string()))
}
