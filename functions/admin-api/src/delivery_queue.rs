//! The delivery queue, as replays and tests are sent into it.

use std::time::Duration;

use aws_sdk_sqs::Client;
use storehook_aws::queue::{self, QueueError};
use storehook_domain::delivery::{
    fan_out::{self, QueueEntry},
    message::DeliveryMessage,
};

/// The delivery queue.
#[derive(Clone)]
pub(crate) struct DeliveryQueue {
    pub(crate) client: Client,
    pub(crate) url: String,
}

/// Why deliveries did not get into the queue, all or some.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Call(#[from] QueueError),
    #[error("SQS did not take {count} of the messages: {code}")]
    Untaken { count: usize, code: String },
}

/// How long the messages that SQS failed to take wait before each further try.
const BACKOFFS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];

impl DeliveryQueue {
    /// Sends deliveries. On an error some of them may have been sent.
    pub(crate) async fn send(&self, deliveries: &[DeliveryMessage<'_>]) -> Result<(), SendError> {
        let messages = deliveries.iter().enumerate().map(|(record, delivery)| QueueEntry {
            record,
            webhook_id: delivery.webhook_id,
            body: delivery.to_message(),
        });
        for batch in fan_out::batches(messages).collect::<Vec<_>>() {
            self.send_batch(batch).await?;
        }
        Ok(())
    }

    async fn send_batch(&self, mut batch: Vec<QueueEntry>) -> Result<(), SendError> {
        let mut backoffs = BACKOFFS.iter();
        loop {
            let mut untaken = queue::send_batch(&self.client, &self.url, &batch).await?;
            let waiting = batch.into_iter().enumerate().filter(|(place, _)| untaken.contains_key(place));
            batch = waiting.map(|(_, message)| message).collect();
            if batch.is_empty() {
                return Ok(());
            }
            match backoffs.next() {
                Some(wait) => tokio::time::sleep(*wait).await,
                None => {
                    let (_, code) = untaken.pop_first().unwrap_or_default();
                    return Err(SendError::Untaken { count: batch.len(), code });
                }
            }
        }
    }
}
