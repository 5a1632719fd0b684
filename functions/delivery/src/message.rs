//! A message that SQS handed over.

use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use bytes::Bytes;
use jiff::Timestamp;
use storehook_domain::delivery::{message::DeliveryMessage, schedule::Lane};

/// A message that is a delivery.
pub(crate) struct Received<'a> {
    /// The delivery.
    pub(crate) message: DeliveryMessage<'a>,
    /// The message as SQS handed it over, without its body.
    pub(crate) sqs: &'a SqsMessage,
    /// The lane that it came from.
    pub(crate) lane: Lane,
    /// Its body, which `message` borrows from.
    pub(crate) body: &'a Bytes,
}

impl Received<'_> {
    /// How long ago the message was queued. Where this clock runs behind the sender's, it is new.
    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.message.enqueued_at)).unwrap_or_default()
    }
}
