//! A delivery's request as an attempt would send it now, for developers who send it themselves.
//!
//! The delivery function's own builder makes it, so its signatures verify like those of any
//! attempt. It goes to the webhook's address as it is now. The values of custom headers are hidden,
//! as everywhere.

use jiff::Timestamp;
use storehook_domain::{
    delivery::{
        message::DeliveryMessage,
        request::{DeliveryRequest, platform::Platform},
        run::RunId,
    },
    history::record::DeliveryRecord,
    installation::Installation,
    payload::Payload,
    webhook::Webhook,
};

use crate::{app::App, error::ApiError, http::caller::Caller};

/// A request that was signed just now.
pub(crate) struct SignedRequest {
    pub(crate) address: String,
    /// The headers. The values of custom headers are `***`.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Signs a delivery's request; `None` if an attempt could not build it.
pub(crate) async fn sign_now(
    app: &App,
    caller: &Caller,
    record: &DeliveryRecord,
    webhook: &Webhook,
    payload: &str,
) -> Result<Option<SignedRequest>, ApiError> {
    let installation = app.secrets.load_installation(caller).await?.ok_or(ApiError::Unauthorized)?;
    let platform = &app.settings.platform;
    signed(record, webhook, &installation, platform, payload, storehook_aws::now())
}

/// The request, as the delivery's latest run sends it.
pub(crate) fn signed(
    record: &DeliveryRecord,
    webhook: &Webhook,
    installation: &Installation,
    platform: &Platform,
    payload: &str,
    now: Timestamp,
) -> Result<Option<SignedRequest>, ApiError> {
    let payload = Payload::parse(payload).map_err(|_| ApiError::PayloadMalformed)?;
    let run = record.attempts.last().map_or(RunId::Event, |last| last.run.clone());
    let message = DeliveryMessage::new(record.envelope.clone(), run, now, payload);
    let request = DeliveryRequest::build(&message, webhook, installation, platform, now).ok();
    Ok(request.map(|request| SignedRequest {
        address: webhook.address.url().to_string(),
        headers: request.redacted_headers(&webhook.custom_headers),
        body: request.body.into_owned(),
    }))
}
