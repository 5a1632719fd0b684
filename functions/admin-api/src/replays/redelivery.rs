//! Sending deliveries again: a message that names its run, and nothing else.
//!
//! Nothing is written before a message is sent. The delivery function tells messages apart when it
//! receives them, so a message that is sent twice is attempted as one.

use jiff::Timestamp;
use serde_json::value::RawValue;
use storehook_domain::{
    delivery::{id::DeliveryId, message::DeliveryMessage, run::RunId},
    history::record::DeliveryRecord,
    input::field_errors::FieldErrors,
    payload::Payload,
};

use crate::{
    app::App, deliveries::operations::find_delivery, error::ApiError, http::caller::Caller,
    webhooks::operations::must_be_active,
};

/// A delivery that is to be sent again, and its payload.
pub(crate) struct Ready {
    pub(crate) record: DeliveryRecord,
    pub(crate) payload: String,
}

/// Sends one delivery again, whatever its state.
pub(crate) async fn redeliver_one(
    app: &App,
    caller: &Caller,
    id: &DeliveryId,
) -> Result<DeliveryRecord, ApiError> {
    let record = find_delivery(app, caller, id).await?;
    let webhook = app.webhooks.load(caller, record.envelope.id.webhook_id).await?;
    must_be_active(webhook.as_ref())?;
    let now = storehook_aws::now();
    let payload = app.deliveries.table.load_payload(&record, now).await?;
    let payload =
        payload.ok_or_else(|| ApiError::Invalid(FieldErrors::one("payload", "is no longer kept")))?;
    let run = RunId::Redeliver(uuid::Uuid::new_v4().to_string());
    let ready = Ready { record, payload };
    send_all(app, std::slice::from_ref(&ready), &run, now).await?;
    Ok(ready.record)
}

/// Sends the first message of this run of each delivery.
pub(crate) async fn send_all(
    app: &App,
    ready: &[Ready],
    run: &RunId,
    now: Timestamp,
) -> Result<(), ApiError> {
    let mut messages = Vec::with_capacity(ready.len());
    for Ready { record, payload } in ready {
        let raw: &RawValue = serde_json::from_str(payload).map_err(|_| ApiError::PayloadMalformed)?;
        let payload = Payload::new(raw).map_err(|_| ApiError::PayloadMalformed)?;
        messages.push(DeliveryMessage::new(record.envelope.clone(), run.clone(), now, payload));
    }
    Ok(app.queue.send(&messages).await?)
}
