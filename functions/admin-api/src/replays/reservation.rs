//! New series of attempts: reserved in the history first, sent to the queue afterwards.

use jiff::Timestamp;
use serde_json::value::RawValue;
use storehook_aws::history::Write;
use storehook_domain::{
    delivery::id::DeliveryId,
    history::{record::DeliveryRecord, series::Reservation},
    input::field_errors::FieldErrors,
    payload::Payload,
};

use crate::{
    app::App, conflict::retry_on_conflict, deliveries::operations::find_delivery, error::ApiError,
    http::caller::Caller, webhooks::operations::must_be_active,
};

/// A delivery whose new series is in the history and still to be sent, and its payload.
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
    let (ready, now) = retry_on_conflict(|| async move {
        let record = find_delivery(app, caller, id).await?;
        let webhook = app.webhooks.load(caller, record.envelope.id.webhook_id).await?;
        must_be_active(webhook.as_ref())?;
        let now = storehook_aws::now();
        let payload = app.deliveries.table.load_payload(&record, now).await?;
        let payload =
            payload.ok_or_else(|| ApiError::Invalid(FieldErrors::one("payload", "is no longer kept")))?;
        // Only a replay's reservation can find its series attempted already.
        let record = reserve(app, &record, None, now).await?.ok_or(ApiError::Conflict)?;
        Ok((Ready { record, payload }, now))
    })
    .await?;
    send_all(app, std::slice::from_ref(&ready), now).await?;
    Ok(ready.record)
}

/// Writes a new series of a delivery, or finds the one that this replay has written. `None`: that
/// one has been attempted already. If the record has changed meanwhile, this is an
/// [`ApiError::Conflict`].
pub(crate) async fn reserve(
    app: &App,
    record: &DeliveryRecord,
    replay: Option<&str>,
    now: Timestamp,
) -> Result<Option<DeliveryRecord>, ApiError> {
    let table = &app.deliveries.table;
    let kept_for = table.retention.deliveries().ok_or(ApiError::HistoryOff)?;
    let Some(Reservation { history: reserved, is_new }) = record.reserve(replay, kept_for, now) else {
        return Ok(None);
    };
    if is_new && matches!(table.put(&reserved, record.version).await?, Write::Conflict(_)) {
        return Err(ApiError::Conflict);
    }
    Ok(Some(reserved))
}

/// Sends the latest series of these deliveries.
pub(crate) async fn send_all(app: &App, ready: &[Ready], now: Timestamp) -> Result<(), ApiError> {
    let mut messages = Vec::with_capacity(ready.len());
    for Ready { record, payload } in ready {
        let raw: &RawValue = serde_json::from_str(payload).map_err(|_| ApiError::PayloadMalformed)?;
        let payload = Payload::new(raw).map_err(|_| ApiError::PayloadMalformed)?;
        messages.push(record.message(payload, now));
    }
    Ok(app.queue.send(&messages).await?)
}
