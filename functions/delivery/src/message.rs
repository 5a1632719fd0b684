//! A message that SQS handed over.

use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use bytes::Bytes;
use jiff::Timestamp;
use storehook_domain::{
    delivery::{lane::Lane, message::DeliveryMessage},
    history::{decision, run::Receive},
};

/// A message that is a delivery.
pub(crate) struct Received<'a> {
    /// The delivery.
    pub(crate) message: DeliveryMessage<'a>,
    /// The SQS message, without its body.
    pub(crate) sqs: &'a SqsMessage,
    /// The lane that it came from.
    pub(crate) lane: Lane,
    /// The body, which `message` borrows from.
    pub(crate) body: &'a Bytes,
}

impl<'a> Received<'a> {
    /// How SQS handed it over.
    pub(crate) fn receive(&self) -> Receive<'_> {
        Receive { message_id: self.sqs.message_id.as_deref().unwrap_or_default(), lane: self.lane }
    }

    /// The receive, as input for the domain's decision.
    pub(crate) fn facts(&self) -> decision::Received<'_, 'a> {
        // SQS sends both attributes with each message. Without them, nothing is assumed about the
        // message.
        let number = |name: &str| self.sqs.attributes.get(name)?.parse::<i64>().ok();
        let sent_at = number("SentTimestamp").and_then(|millis| Timestamp::from_millisecond(millis).ok());
        decision::Received {
            message: &self.message,
            receive: self.receive(),
            count: number("ApproximateReceiveCount").and_then(|count| count.try_into().ok()).unwrap_or(1),
            sent_at: sent_at.unwrap_or(self.message.enqueued_at),
        }
    }

    /// How long ago the delivery was queued.
    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        self.facts().age(now)
    }
}
