//! The POST of an attempt, to the byte.
//!
//! The body is built once, then signed and sent. So a signature always covers the bytes that are
//! sent. Header names and values are parsed, so no value can inject another header.

pub mod platform;

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;

use crate::{
    delivery::{
        body_shape::BodyShape,
        message::DeliveryMessage,
        request::platform::Platform,
        signature::{body_signature, standard_signatures},
    },
    installation::Installation,
    payload::xml::Unrenderable,
    webhook::{
        Webhook,
        custom_headers::{CustomHeaders, MASK},
        header_prefix::HeaderPrefix,
    },
};

/// The value of `User-Agent`.
pub(crate) const USER_AGENT: &str = concat!("Storehook/", env!("CARGO_PKG_VERSION"));

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const BODY_SIGNATURE: HeaderName = HeaderName::from_static("x-spiffy-hmac-sha256");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How many headers a delivery has at most, as a rule: a map of this size never grows.
const MOST_HEADERS: usize = 32;

/// The POST of one attempt.
#[derive(Debug, Clone)]
pub struct DeliveryRequest<'a> {
    /// All headers, except those that HTTP itself adds.
    pub headers: HeaderMap,
    /// The body.
    pub body: Cow<'a, str>,
}

/// Why the POST of a delivery cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnbuildableRequest {
    /// A value from the registry is not a header value.
    #[error("the header {0} is invalid")]
    Header(String),
    /// The payload is too deep or too large for XML.
    #[error(transparent)]
    Body(#[from] Unrenderable),
}

impl<'a> DeliveryRequest<'a> {
    /// Builds the POST of `message` to `webhook`, for an attempt at `now`.
    ///
    /// # Errors
    ///
    /// A header value is invalid, or the payload is too deep or too large for XML.
    pub fn build(
        message: &DeliveryMessage<'a>,
        webhook: &Webhook,
        installation: &Installation,
        platform: &Platform,
        now: Timestamp,
    ) -> Result<Self, UnbuildableRequest> {
        let prefix = &platform.header_prefix;
        let envelope = &message.envelope;
        let (body, content_type) =
            BodyShape::of(webhook).body(message.payload(), &envelope.topic, &envelope.id.event_id)?;
        let mut headers = Headers(HeaderMap::with_capacity(MOST_HEADERS));
        // The operator may have changed the prefix after the webhook's own headers were checked.
        for (name, value) in webhook.custom_headers.iter().filter(|(name, _)| !prefix.begins(name)) {
            headers.set_named(name, value)?;
        }
        headers.set(header::CONTENT_TYPE, content_type)?;
        headers.set(header::USER_AGENT, USER_AGENT)?;
        if let Some(traceparent) = &envelope.traceparent {
            headers.set(TRACEPARENT, traceparent)?;
        }
        describe(&mut headers, message, installation, platform)?;
        sign(&mut headers, message, installation, prefix, &body, now)?;
        Ok(Self { headers: headers.0, body })
    }

    /// The headers for the history, which stores and shows them. The values of the webhook's `own`
    /// headers are hidden: they are often credentials.
    pub fn redacted_headers(&self, own: &CustomHeaders) -> Vec<(String, String)> {
        let is_own = |name: &HeaderName| own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name.as_str()));
        let shown = self.headers.iter().map(|(name, value)| {
            let value = if is_own(name) { MASK.into() } else { String::from_utf8_lossy(value.as_bytes()) };
            (name.as_str().to_owned(), value.into_owned())
        });
        shown.collect()
    }
}

/// Sets the headers that describe the delivery.
fn describe(
    headers: &mut Headers,
    message: &DeliveryMessage<'_>,
    installation: &Installation,
    platform: &Platform,
) -> Result<(), UnbuildableRequest> {
    let (envelope, prefix) = (&message.envelope, &platform.header_prefix);
    let names = prefix.names();
    headers.set(names.store_id.clone(), &installation.store_id)?;
    headers.set(names.topic.clone(), envelope.topic.as_str())?;
    headers.set(names.shop_domain.clone(), envelope.shop.as_str())?;
    if let Some(id) = &envelope.resource_id
        && let Some(name) = prefix.id_header(envelope.topic.resource())
    {
        headers.set_named(&name, id)?;
    }
    headers.set(names.webhook_id.clone(), &envelope.id.webhook_id.to_string())?;
    headers.set(names.event_id.clone(), envelope.id.event_id.as_str())?;
    headers.set(names.triggered_at.clone(), &envelope.triggered_at.to_string())?;
    headers.set(names.api_version.clone(), platform.api_version.as_str())?;
    if envelope.test {
        headers.set(names.test.clone(), "true")?;
    }
    if message.run.is_asked_for() {
        headers.set(names.replay.clone(), "true")?;
    }
    Ok(())
}

/// Sets the headers of both signature schemes.
fn sign(
    headers: &mut Headers,
    message: &DeliveryMessage<'_>,
    installation: &Installation,
    prefix: &HeaderPrefix,
    body: &str,
    now: Timestamp,
) -> Result<(), UnbuildableRequest> {
    // During the overlap of a rotation, the headers with a single signature use the oldest secret.
    if let Some(oldest) = installation.signing_secrets(now).next() {
        let signature = body_signature(oldest, body.as_bytes());
        headers.set(prefix.names().body_signature.clone(), &signature)?;
        headers.set(BODY_SIGNATURE, &signature)?;
    }
    let id = message.envelope.id.to_string();
    headers.set(WEBHOOK_TIMESTAMP, &now.as_second().to_string())?;
    let signatures = standard_signatures(installation.signing_secrets(now), &id, now, body.as_bytes());
    headers.set(WEBHOOK_SIGNATURE, &signatures)?;
    headers.set(WEBHOOK_ID, &id)
}

struct Headers(HeaderMap);

impl Headers {
    /// Sets a header. It replaces a custom header of the webhook with the same name.
    fn set(&mut self, name: HeaderName, value: &str) -> Result<(), UnbuildableRequest> {
        match HeaderValue::from_str(value) {
            Ok(value) => _ = self.0.insert(name, value),
            Err(_) => return Err(UnbuildableRequest::Header(name.to_string())),
        }
        Ok(())
    }

    /// The same of a header whose name is a text.
    fn set_named(&mut self, name: &str, value: &str) -> Result<(), UnbuildableRequest> {
        let parsed = HeaderName::from_bytes(name.as_bytes());
        self.set(parsed.map_err(|_| UnbuildableRequest::Header(name.to_owned()))?, value)
    }
}

#[cfg(test)]
mod tests;
