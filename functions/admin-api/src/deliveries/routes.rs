//! The routes that read deliveries: list, show, and statistics.

use axum::{
    Extension, Json,
    extract::{RawQuery, Request, State},
    response::{IntoResponse as _, Response},
};
use storehook_domain::{delivery::id::DeliveryId, history::query::DeliveryQuery};

use crate::{
    app::App,
    deliveries::{
        operations::{find_delivery, list_deliveries, load_sent_payload},
        responses::{DeliveriesResponse, DeliveryResponse},
        schemas::{DeliveryListParameters, WindowParameters},
        stats::{StatsResponse, load_stats},
    },
    error::ApiError,
    http::{
        bodies::{PathId, id_of},
        caller::Caller,
        page_links::ListUrl,
        schemas::Errors,
    },
    webhooks::operations::find_webhook,
};

/// List a webhook's deliveries
///
/// Lists deliveries, the newest first. A page may be short or empty even if more deliveries follow.
/// On the last page `page_info` is null. The header `Link` leads to the next page.
#[utoipa::path(
    get,
    path = "/admin/webhooks/{id}/deliveries",
    operation_id = "listDeliveries",
    tag = "deliveries",
    params(("id" = u64, Path, description = "The webhook's id."), DeliveryListParameters),
    responses(
        (
            status = 200,
            description = "The deliveries.",
            body = DeliveriesResponse,
            headers(("Link" = String, description = "Where the next page is (RFC 8288), as an absolute URL: `rel=\"next\"`. Absent on the last page.")),
        ),
        (status = 400, description = "A parameter is malformed or out of range.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    request: Request,
) -> Result<Response, ApiError> {
    let url = ListUrl::of(app.settings.public_url.as_deref(), &request);
    let query = DeliveryQuery::parse(request.uri().query().unwrap_or_default(), &caller.time_zone);
    let query = query.map_err(ApiError::Query)?;
    let webhook = find_webhook(&app, &caller, id_of(id, str::parse)?).await?;
    let (records, next) = list_deliveries(&app, &caller, &webhook, &query).await?;
    let page_info = next.map(|position| position.to_page_info());
    let links = url.links(&query.filters(), None, page_info.as_deref());
    let response = DeliveriesResponse::of(&records, &caller.time_zone, page_info);
    Ok((links, Json(response)).into_response())
}

/// Show a delivery
///
/// Shows a delivery with its attempts, the request of the last attempt, and the beginning of the
/// response to it. The values of custom headers are masked.
#[utoipa::path(
    get,
    path = "/admin/deliveries/{id}",
    operation_id = "showDelivery",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery's id, `<webhook id>-<event id>`.")),
    responses(
        (status = 200, description = "The delivery.", body = DeliveryResponse),
        (status = 404, description = "The app has no such delivery on the shop, or it has expired.", body = Errors),
    ),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
) -> Result<Response, ApiError> {
    let record = find_delivery(&app, &caller, &id_of(id, DeliveryId::parse)?).await?;
    let payload = load_sent_payload(&app, &record).await?;
    Ok(Json(DeliveryResponse::of(&record, payload.as_deref(), &caller.time_zone)).into_response())
}

/// Show a webhook's statistics
///
/// Counts the deliveries that were first queued in a window of time, by default the last 24 hours.
/// If the count takes more than a few seconds, it covers only the newest deliveries, and `complete`
/// is false.
#[utoipa::path(
    get,
    path = "/admin/webhooks/{id}/stats",
    operation_id = "showStats",
    tag = "deliveries",
    params(("id" = u64, Path, description = "The webhook's id."), WindowParameters),
    responses(
        (status = 200, description = "The statistics.", body = StatsResponse),
        (status = 400, description = "A parameter is malformed.", body = Errors),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
    ),
)]
pub(crate) async fn stats(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let window = DeliveryQuery::parse_window(query.as_deref().unwrap_or_default(), &caller.time_zone);
    let (since, until) = window.map_err(ApiError::Query)?;
    let webhook = find_webhook(&app, &caller, id_of(id, str::parse)?).await?;
    let stats = load_stats(&app, &webhook, since, until).await?;
    Ok(Json(StatsResponse::of(&stats, &caller.time_zone)).into_response())
}
