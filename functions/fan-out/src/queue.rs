//! The queues that this function sends to, within the time that an invocation has.

use aws_sdk_sqs::Client;
use storehook_aws::queue::{self, QueueError, SendError};
use storehook_domain::delivery::fan_out::QueueEntry;

use crate::times::Times;

/// A queue that this function sends to.
pub(crate) struct Queue {
    client: Client,
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

impl Queue {
    pub(crate) fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Sends one message without a group.
    pub(crate) async fn send(&self, body: String) -> Result<(), NotSent> {
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map_err(|error| SendError::from(QueueError::from(error)))?;
        Ok(())
    }

    /// Sends a batch. Returns the messages that are not in the queue, each with the reason.
    pub(crate) async fn send_batch(
        &self,
        batch: Vec<QueueEntry>,
        times: Times,
    ) -> Vec<(QueueEntry, NotSent)> {
        let failures = queue::send(&self.client, &self.url, batch, || !times.are_up()).await;
        failures.into_iter().map(|(message, error)| (message, error.into())).collect()
    }
}
