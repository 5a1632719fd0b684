//! The routes of deliveries: what became of each, and what to send again.

use axum::{
    Extension, Json,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::ToSpan as _;
use storehook_domain::{
    delivery::id::DeliveryId,
    history::{query::DeliveryQuery, record::DeliveryRecord},
    input::field_errors::FieldErrors,
    job::replay::Replay,
    webhook::{Status, Webhook},
};

use crate::{
    App,
    admission::Caller,
    delivery_index::{Direction, Walk},
    delivery_schemas::{DeliveryListParameters, ReplayBody, WindowParameters},
    delivery_wire::{DeliveriesAnswer, DeliveryAnswer, DeliverySummaryAnswer},
    error::ApiError,
    replay_step::{self, RESERVE_ATTEMPTS, Ready, Reserved},
    replay_wire::{ReplayAnswer, ReplayProgress, ShownStats, StatsAnswer},
    request_body::{PathId, RequestBody, object_of},
    routes::{Answer, find},
    schemas::Errors,
};

/// List a webhook's deliveries
///
/// The newest first. A page may have fewer deliveries than `limit`, or none, although there are more: the
/// list has ended when `page_info` is null.
#[utoipa::path(
    get,
    path = "/admin/webhooks/{id}/deliveries",
    operation_id = "listDeliveries",
    tag = "deliveries",
    params(("id" = u64, Path, description = "The webhook's id."), DeliveryListParameters),
    responses(
        (status = 200, description = "The deliveries.", body = DeliveriesAnswer),
        (status = 400, description = "A parameter does not read or is out of its range.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = DeliveryQuery::parse(query.as_deref().unwrap_or_default()).map_err(ApiError::Query)?;
    let webhook = find(&app, &caller, &id).await?;
    let now = storehook_aws::now();
    let walk = Walk {
        webhook_id: webhook.id,
        since: query.since,
        until: query.until,
        direction: Direction::NewestFirst,
        states: query.state.into_iter().collect(),
        page: query.state.is_none().then_some(query.limit),
    };
    let (ids, next) = app.deliveries.page_of(&walk, query.after, query.limit, now).await?;
    let mut deliveries = app.deliveries.of_ids(&caller, &ids, now).await?;
    // The index may be a moment behind.
    deliveries.retain(|delivery| query.state.is_none_or(|state| state == delivery.state));
    let page_info = next.map(|position| position.to_page_info());
    Ok(Json(DeliveriesAnswer::of(&deliveries, &caller.time_zone, page_info)).into_response())
}

/// Show a delivery
///
/// With its attempts, the request as the last of them sent it, and the beginning of the answer. The values
/// of the webhook's own headers are not shown.
#[utoipa::path(
    get,
    path = "/admin/deliveries/{id}",
    operation_id = "showDelivery",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery's id, `<webhook id>-<event id>`.")),
    responses(
        (status = 200, description = "The delivery.", body = DeliveryAnswer),
        (status = 404, description = "The app has no such delivery on the shop, or it is no longer kept.", body = Errors),
    ),
)]
pub(crate) async fn show(State(app): State<App>, Extension(caller): Extension<Caller>, id: PathId) -> Answer {
    let history = find_delivery(&app, &caller, &id).await?;
    let payload = match history.request {
        Some(_) => app.deliveries.0.load_payload(&history, storehook_aws::now()).await?,
        None => None,
    };
    let answer = DeliveryAnswer::of(&history, payload.as_deref(), &caller.time_zone);
    Ok(Json(answer).into_response())
}

/// Deliver again
///
/// Begins a new series of attempts of the same delivery, whatever has become of it.
#[utoipa::path(
    post,
    path = "/admin/deliveries/{id}/redeliver",
    operation_id = "redeliver",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery's id, `<webhook id>-<event id>`.")),
    responses(
        (status = 202, description = "It is queued.", body = DeliverySummaryAnswer),
        (status = 404, description = "The app has no such delivery on the shop, or it is no longer kept.", body = Errors),
        (status = 415, description = "The body is said to be something other than JSON.", body = Errors),
        (status = 422, description = "Its webhook is deleted or not active, or its payload is no longer kept.", body = Errors),
    ),
)]
pub(crate) async fn redeliver(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
) -> Answer {
    for _ in 0..RESERVE_ATTEMPTS {
        let history = find_delivery(&app, &caller, &id).await?;
        let webhook = app.store.get(&caller, history.envelope.id.webhook_id).await?;
        must_be_active(webhook.as_ref())?;
        let now = storehook_aws::now();
        let payload = app.deliveries.0.load_payload(&history, now).await?;
        let payload = payload.ok_or_else(|| refused("payload", "is no longer kept"))?;
        // Without a replay's id a series is always made or found.
        let Reserved::Made(history) = replay_step::reserve(&app, &history, None, now).await? else {
            continue;
        };
        let ready = [Ready { history, payload }];
        replay_step::send_all(&app, &ready, now).await?;
        let [Ready { history, .. }] = ready;
        return Ok(queued(&history, &caller));
    }
    Err(ApiError::Contended)
}

/// Replay a webhook's deliveries
///
/// Sends the deliveries of a window of time and a state again, the oldest first, in steps of a few seconds
/// each. As long as an answer has a `cursor`, the replay is not at its end: ask again with that cursor. A
/// step whose answer was lost is asked for again as it was: with a cursor, or with an `id`, no delivery gets two
/// new series by it.
#[utoipa::path(
    post,
    path = "/admin/webhooks/{id}/replay",
    operation_id = "replayDeliveries",
    tag = "deliveries",
    params(("id" = u64, Path, description = "The webhook's id.")),
    request_body = ReplayBody,
    responses(
        (status = 200, description = "What this step has done.", body = ReplayAnswer),
        (status = 400, description = "The body is not JSON or lacks `replay`.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
        (status = 413, description = "The body is over 1 MiB.", body = Errors),
        (status = 415, description = "The body is said to be something other than JSON.", body = Errors),
        (status = 422, description = "What is wrong with it, field by field.", body = Errors),
    ),
)]
pub(crate) async fn replay(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    body: RequestBody,
) -> Answer {
    if app.deliveries.0.retention.deliveries().is_none() {
        return Err(ApiError::HistoryOff);
    }
    let wish = object_of(body, "replay")?;
    let webhook = find(&app, &caller, &id).await?;
    let new_id = uuid::Uuid::new_v4().to_string();
    let replay = Replay::parse(&wish, new_id, storehook_aws::now()).map_err(ApiError::Invalid)?;
    let step = if replay.is_dry_run {
        replay_step::count(&app, webhook.id, &replay).await?
    } else {
        must_be_active(Some(&webhook))?;
        replay_step::send(&app, &caller, webhook.id, &replay).await?
    };
    let progress = ReplayProgress::of(&replay, &step, &caller.time_zone);
    Ok(Json(ReplayAnswer { replay: progress }).into_response())
}

/// Show a webhook's statistics
///
/// Of the deliveries that were first queued in a window of time; the last 24 hours unless it is said. Of
/// more deliveries than can be read in a few seconds, the newest are counted, and `complete` is false.
#[utoipa::path(
    get,
    path = "/admin/webhooks/{id}/stats",
    operation_id = "showStats",
    tag = "deliveries",
    params(("id" = u64, Path, description = "The webhook's id."), WindowParameters),
    responses(
        (status = 200, description = "The statistics.", body = StatsAnswer),
        (status = 400, description = "A parameter does not read.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
    ),
)]
pub(crate) async fn stats(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    RawQuery(query): RawQuery,
) -> Answer {
    let window = DeliveryQuery::parse_window(query.as_deref().unwrap_or_default());
    let (since, until) = window.map_err(ApiError::Query)?;
    let webhook = find(&app, &caller, &id).await?;
    let now = storehook_aws::now();
    let until = until.unwrap_or(now);
    let mut since = since.unwrap_or_else(|| until.saturating_sub(24.hours()).unwrap_or(until));
    let walk = Walk {
        webhook_id: webhook.id,
        since: Some(since),
        until: Some(until),
        direction: Direction::NewestFirst,
        states: Vec::new(),
        page: None,
    };
    let (stats, next) = app.deliveries.stats_of(&walk, now).await?;
    if let Some(position) = &next {
        since = position.created_at();
    }
    let shown = ShownStats::of(&stats, since, until, next.is_none(), &caller.time_zone);
    Ok(Json(StatsAnswer { stats: shown }).into_response())
}

/// The caller's delivery of that id. Whatever else is asked for is not found, in the same words.
async fn find_delivery(app: &App, caller: &Caller, id: &PathId) -> Result<DeliveryRecord, ApiError> {
    let Ok(axum::extract::Path(id)) = id else { return Err(ApiError::NotFound) };
    let id = DeliveryId::parse(id).map_err(|_| ApiError::NotFound)?;
    app.deliveries.get(caller, &id, storehook_aws::now()).await?.ok_or(ApiError::NotFound)
}

/// What is sent to a webhook that takes nothing would only be held.
pub(crate) fn must_be_active(webhook: Option<&Webhook>) -> Result<(), ApiError> {
    match webhook.map(|webhook| webhook.status) {
        Some(Status::Active) => Ok(()),
        Some(status) => Err(refused("webhook", format!("is {}", status.as_str()))),
        None => Err(refused("webhook", "has been deleted")),
    }
}

fn refused(field: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::Invalid(FieldErrors::one(field, message))
}

/// An answer with a delivery that has been queued.
pub(crate) fn queued(history: &DeliveryRecord, caller: &Caller) -> Response {
    let answer = DeliverySummaryAnswer::of(history, &caller.time_zone);
    (StatusCode::ACCEPTED, Json(answer)).into_response()
}
