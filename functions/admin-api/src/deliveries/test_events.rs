//! Test events: a sample of a webhook's topic, sent to this webhook alone.
//!
//! The delivery is queued first and recorded afterwards. If the record cannot be written, the first
//! attempt writes it.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use storehook_aws::{history::PayloadOwner, metrics::Metric};
use storehook_domain::{
    delivery::{
        message::DeliveryMessage,
        test_event::{TEST_PREFIX, test_delivery},
    },
    history::record::DeliveryRecord,
    webhook::WebhookId,
};
use uuid::Uuid;

use crate::{
    app::App,
    deliveries::responses::DeliverySummaryResponse,
    error::ApiError,
    events::new_id::event_id,
    http::{
        bodies::{PathId, id_of},
        caller::Caller,
        schemas::Errors,
    },
    webhooks::operations::{find_webhook, must_be_active},
};

/// Send a test event
///
/// Sends a sample event of the webhook's topic to this webhook alone, with a header that marks it
/// as a test. The delivery is signed, retried and recorded like any other.
#[utoipa::path(
    post,
    path = "/admin/webhooks/{id}/test",
    operation_id = "testWebhook",
    tag = "deliveries",
    params(("id" = u64, Path, description = "The webhook's id.")),
    responses(
        (status = 202, description = "The delivery is queued.", body = DeliverySummaryResponse),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
        (status = 415, description = "`Content-Type` is not JSON.", body = Errors),
        (status = 422, description = "The webhook is not active.", body = Errors),
    ),
)]
pub(crate) async fn send(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
) -> Result<Response, ApiError> {
    let record = send_test_event(&app, &caller, id_of(id, str::parse)?, Uuid::new_v4()).await?;
    let response = DeliverySummaryResponse::of(&record, &caller.time_zone);
    Ok((StatusCode::ACCEPTED, Json(response)).into_response())
}

/// Queues a test event's delivery and records it. The same id is one event, however often it is sent.
pub(crate) async fn send_test_event(
    app: &App,
    caller: &Caller,
    webhook_id: WebhookId,
    id: Uuid,
) -> Result<DeliveryRecord, ApiError> {
    let webhook = find_webhook(app, caller, webhook_id).await?;
    must_be_active(Some(&webhook))?;
    let now = storehook_aws::now();
    let mut message = test_delivery(&webhook, event_id(TEST_PREFIX, id), now);
    if let Some(kept_for) = app.deliveries.table.retention.payloads() {
        let owner = PayloadOwner::Event(&message.envelope.shop, &message.envelope.id.event_id);
        let digest = app.deliveries.table.keep_payload(&message, owner, kept_for, now).await?;
        message.envelope.payload_digest = Some(digest);
    }
    app.queue.send(std::slice::from_ref(&message)).await?;
    Ok(record(app, &message).await)
}

/// Records a delivery that was queued, unless its first attempt has done so. The attempt writes the
/// record if this cannot.
async fn record(app: &App, message: &DeliveryMessage<'_>) -> DeliveryRecord {
    let kept_for = app.deliveries.table.retention.deliveries();
    let begun = DeliveryRecord::begin(message, kept_for.unwrap_or_default());
    let record = DeliveryRecord { version: 1, ..begun };
    if kept_for.is_some()
        && let Err(error) = app.deliveries.table.put(&record, 0).await
    {
        let error = storehook_aws::causes(&error);
        tracing::error!(delivery.id = %message.envelope.id, error, "history not written");
        app.meter.count(Metric::HistoryFailures, 1);
    }
    record
}
