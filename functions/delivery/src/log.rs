//! The one log event of each receive of a delivery: wide, structured, and safe to keep.

use jiff::Timestamp;
use storehook_domain::delivery::disposition::Disposition;

use crate::{attempt::Receipt, message::Received, skipped::log_name};

/// The result of one receive of a delivery.
pub(crate) struct Entry<'a> {
    pub(crate) received: &'a Received<'a>,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) receipt: &'a Receipt,
    pub(crate) disposition: Disposition,
}

/// Writes the event. It holds no body, no secret, no path and no query string.
pub(crate) fn write(entry: &Entry<'_>) {
    let Entry { received, started_at, ended_at, receipt, disposition } = entry;
    let Received { message, sqs, lane, .. } = received;
    let envelope = &message.envelope;
    let attempt = receipt.attempt.as_ref();
    let reason = match attempt {
        Ok(attempt) => attempt.failure().map(ToString::to_string),
        Err(skipped) => Some(storehook_aws::causes(skipped)),
    };
    let host = receipt.target.as_ref().and_then(|target| target.webhook.address.url().host_str());
    tracing::info!(
        delivery.id = %envelope.id,
        delivery.state = log_name(attempt),
        delivery.run = %message.run,
        delivery.age_ms = received.age(*started_at).as_millis() as u64,
        delivery.wait_seconds = disposition.wait_seconds(),
        delivery.lane = lane.as_str(),
        webhook.id = %envelope.id.webhook_id,
        webhook.host = host,
        event.topic = %envelope.topic,
        event.shop = %envelope.shop,
        event.app = %envelope.app,
        attempt.status = attempt.ok().and_then(|attempt| attempt.status),
        attempt.reason = reason,
        attempt.code = attempt.ok().and_then(|attempt| attempt.failure()).map(|failure| failure.code()),
        attempt.error = receipt.cause.as_deref(),
        attempt.duration_ms = ended_at.duration_since(*started_at).as_millis() as u64,
        message.receive_count = sqs.attributes.get("ApproximateReceiveCount"),
        "attempt"
    );
}
