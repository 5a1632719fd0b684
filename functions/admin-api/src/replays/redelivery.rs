//! Sending a delivery again: a message that names its run, and nothing else.
//!
//! Nothing is written before a message is sent. The delivery function tells messages apart when it
//! receives them, so a message that is sent twice is attempted as one.

use storehook_domain::{
    delivery::{id::DeliveryId, message::DeliveryMessage, run::RunId},
    history::record::DeliveryRecord,
    input::field_errors::FieldErrors,
    payload::Payload,
};
use uuid::Uuid;

use crate::{
    app::App, deliveries::operations::find_delivery, error::ApiError, http::caller::Caller,
    webhooks::operations::must_be_active,
};

/// Sends one delivery again, whatever its state. The same `run` is one run, however often it is sent.
pub(crate) async fn redeliver_one(
    app: &App,
    caller: &Caller,
    id: &DeliveryId,
    run: Uuid,
) -> Result<DeliveryRecord, ApiError> {
    let record = find_delivery(app, caller, id).await?;
    let webhook = app.webhooks.load(caller, record.envelope.id.webhook_id).await?;
    must_be_active(webhook.as_ref())?;
    let now = storehook_aws::now();
    let payload = app.deliveries.table.load_payload(&record, now).await?;
    let payload =
        payload.ok_or_else(|| ApiError::Invalid(FieldErrors::one("payload", "is no longer kept")))?;
    let payload = Payload::parse(&payload).map_err(|_| ApiError::PayloadMalformed)?;
    let run = RunId::Redeliver(run.to_string());
    let message = DeliveryMessage::new(record.envelope.clone(), run, now, payload);
    app.queue.send(std::slice::from_ref(&message)).await?;
    Ok(record)
}
