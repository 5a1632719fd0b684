//! Test events: a sample of what a webhook subscribes to, sent to it alone.

use axum::{Extension, extract::State, response::Response};
use storehook_aws::history::PayloadOwner;
use storehook_domain::{
    delivery::{message::DeliveryMessage, test_event::test_delivery},
    event::id::EventId,
    history::record::DeliveryRecord,
};

use crate::{
    App,
    admission::Caller,
    deliveries::{must_be_active, queued},
    delivery_wire::DeliverySummaryAnswer,
    error::ApiError,
    request_body::PathId,
    routes::find,
    schemas::Errors,
};

/// Send a test event
///
/// A sample event of the webhook's topic, to this webhook alone, with a header that says that it is a test.
/// Its delivery is signed, retried and kept as any other.
#[utoipa::path(
    post,
    path = "/admin/webhooks/{id}/test",
    operation_id = "testWebhook",
    tag = "deliveries",
    params(("id" = u64, Path, description = "The webhook's id.")),
    responses(
        (status = 202, description = "It is queued.", body = DeliverySummaryAnswer),
        (status = 404, description = "The app has no such webhook on the shop.", body = Errors),
        (status = 415, description = "The body is said to be something other than JSON.", body = Errors),
        (status = 422, description = "The webhook is not active.", body = Errors),
    ),
)]
pub(crate) async fn send(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: PathId,
) -> Result<Response, ApiError> {
    let webhook = find(&app, &caller, &id).await?;
    must_be_active(Some(&webhook))?;
    let now = storehook_aws::now();
    let mut delivery = test_delivery(&webhook, new_event_id("test-"), now);
    if let Some(kept_for) = app.deliveries.0.retention.payloads() {
        let place = PayloadOwner::Event(&delivery.envelope.shop, &delivery.envelope.id.event_id);
        let digest = app.deliveries.0.keep_payload(&delivery, place, kept_for, now).await?;
        delivery.envelope.payload_digest = Some(digest);
    }
    app.queue.send(std::slice::from_ref(&delivery)).await?;
    Ok(queued(&keep(&app, &delivery).await, &caller))
}

/// Puts a delivery on record that has been sent, unless its first attempt has done so already. That attempt
/// will, if this cannot.
async fn keep(app: &App, delivery: &DeliveryMessage<'_>) -> DeliveryRecord {
    let kept_for = app.deliveries.0.retention.deliveries();
    let begun = DeliveryRecord::begin(delivery, kept_for.unwrap_or_default());
    let history = DeliveryRecord { version: 1, ..begun };
    if kept_for.is_some()
        && let Err(error) = app.deliveries.0.put(&history, 0).await
    {
        let error = storehook_aws::causes(&error);
        tracing::error!(delivery.id = %delivery.envelope.id, error, "history not written");
    }
    history
}

/// A new event's id: random, after this beginning.
#[expect(clippy::expect_used, reason = "a UUID is 36 digits and dashes, and the beginnings are ours")]
pub(crate) fn new_event_id(beginning: &str) -> EventId {
    EventId::parse(&format!("{beginning}{}", uuid::Uuid::new_v4())).expect("it is an event's id")
}
