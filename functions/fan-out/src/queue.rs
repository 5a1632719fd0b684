//! The queues that this function sends to, within the time that an invocation has.

use aws_sdk_sqs::Client;
use futures::future;
use storehook_aws::{
    direct::Direct,
    metrics::{Meter, Metric},
    queue::{self, QueueError, SendError},
};
use storehook_domain::delivery::fan_out::QueueEntry;

use crate::times::Times;

/// A queue that this function sends to.
pub(crate) struct Queue {
    client: Client,
    direct: Direct,
    url: String,
}

/// Why a message is not in its queue.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum NotSent {
    #[error(transparent)]
    Sqs(#[from] SendError),
    #[error("no time was left")]
    OutOfTime,
}

impl NotSent {
    /// Whether SQS will never take the message.
    pub(crate) fn is_for_good(&self) -> bool {
        match self {
            Self::Sqs(error) => error.is_for_good(),
            Self::OutOfTime => false,
        }
    }
}

/// The queues of the two lanes.
pub(crate) struct DeliveryQueue {
    pub(crate) fast: Queue,
    pub(crate) slow: Queue,
    pub(crate) meter: Meter,
}

impl DeliveryQueue {
    /// Sends a batch, each message to its lane. Returns the messages that are not in their queue, each
    /// with the reason.
    pub(crate) async fn send_batch(
        &self,
        batch: Vec<QueueEntry>,
        times: Times,
    ) -> Vec<(QueueEntry, NotSent)> {
        let size = batch.len();
        let (fast, slow): (Vec<_>, Vec<_>) = batch.into_iter().partition(|message| message.lane.is_fast());
        let (mut failed, slow) =
            future::join(self.fast.send_batch(fast, times), self.slow.send_batch(slow, times)).await;
        failed.extend(slow);
        self.meter.count(Metric::Sent, (size - failed.len()) as i64);
        failed
    }
}

impl Queue {
    pub(crate) fn new(client: Client, direct: Direct, url: String) -> Self {
        Self { client, direct, url }
    }

    /// Sends one message without a group.
    pub(crate) async fn send(&self, body: String) -> Result<(), NotSent> {
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map_err(|error| SendError::from(QueueError::from(error)))?;
        Ok(())
    }

    /// Sends a batch, which may be empty. Returns the messages that are not in the queue, each with the reason.
    async fn send_batch(&self, batch: Vec<QueueEntry>, times: Times) -> Vec<(QueueEntry, NotSent)> {
        if batch.is_empty() {
            return Vec::new();
        }
        let failures =
            queue::send(&self.client, Some(&self.direct), &self.url, batch, || !times.are_up()).await;
        failures.into_iter().map(|(message, error)| (message, error.into())).collect()
    }
}
