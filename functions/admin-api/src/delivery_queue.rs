//! The delivery queue, as replays and tests are sent into it.

use aws_sdk_sqs::Client;
use storehook_aws::queue::{self, SendError};
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

impl DeliveryQueue {
    /// Sends deliveries. On an error some of them may have been sent.
    pub(crate) async fn send(&self, deliveries: &[DeliveryMessage<'_>]) -> Result<(), SendError> {
        let messages = deliveries.iter().enumerate().map(|(record, delivery)| QueueEntry {
            record,
            webhook_id: delivery.envelope.id.webhook_id,
            body: delivery.to_message(),
        });
        for batch in fan_out::batches(messages).collect::<Vec<_>>() {
            let mut failures = queue::send(&self.client, &self.url, batch, || true).await;
            if let Some((_, error)) = failures.pop() {
                return Err(error);
            }
        }
        Ok(())
    }
}
