//! The routes that send deliveries again.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use storehook_domain::{delivery::id::DeliveryId, job::replay::Replay};

use crate::{
    app::App,
    deliveries::responses::DeliverySummaryResponse,
    error::ApiError,
    http::{
        bodies::{PathId, RequestBody, id_of, object_of},
        caller::Caller,
        schemas::Errors,
    },
    replays::{redelivery::redeliver_one, responses::ReplayResponse, schemas::ReplayBody, step::run_step},
    webhooks::operations::find_webhook,
};

/// Deliver again
///
/// Begins a new run of attempts of the same delivery, whatever its state. The response shows the delivery as
/// it is; the run shows with its first attempt.
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
    let record = redeliver_one(&app, &caller, &id_of(id, DeliveryId::parse)?).await?;
    let response = DeliverySummaryResponse::of(&record, &caller.time_zone);
    Ok((StatusCode::ACCEPTED, Json(response)).into_response())
}

/// Replay a webhook's deliveries
///
/// Sends the deliveries of a window of time and a state again, the oldest first. Each call runs one
/// step of a few seconds. If the response has a `cursor`, call again with it. Repeat a call whose
/// response was lost: with a cursor or an `id`, a replay sends no delivery twice.
#[utoipa::path(
    post,
    path = "/admin/webhooks/{id}/replay",
    operation_id = "replayDeliveries",
    tag = "deliveries",
    params(("id" = u64, Path, description = "The webhook's id.")),
    request_body = ReplayBody,
    responses(
        (status = 200, description = "The result of this step.", body = ReplayResponse),
        (status = 400, description = "The body is not JSON or lacks `replay`.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
        (status = 413, description = "The body is over 1 MiB.", body = Errors),
        (status = 415, description = "`Content-Type` is not JSON.", body = Errors),
        (status = 422, description = "The replay is invalid, field by field.", body = Errors),
    ),
)]
pub(crate) async fn replay(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    body: RequestBody,
) -> Result<Response, ApiError> {
    if app.deliveries.table.retention.deliveries().is_none() {
        return Err(ApiError::HistoryOff);
    }
    let wish = object_of(body, "replay")?;
    let webhook = find_webhook(&app, &caller, id_of(id, str::parse)?).await?;
    let new_id = uuid::Uuid::new_v4().to_string();
    let replay = Replay::parse(&wish, new_id, storehook_aws::now()).map_err(ApiError::Invalid)?;
    let step = run_step(&app, &caller, &webhook, &replay).await?;
    Ok(Json(ReplayResponse::of(&replay, &step, &caller.time_zone)).into_response())
}
