//! The delivery queue, as replays and test events are sent into it.

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
    /// Sends messages. On an error, some of them may be in the queue.
    pub(crate) async fn send(&self, messages: &[DeliveryMessage<'_>]) -> Result<(), SendError> {
        let entries = messages.iter().enumerate();
        let entries = entries.map(|(record, message)| QueueEntry::of(record, message));
        for batch in fan_out::batches(entries).collect::<Vec<_>>() {
            let mut failures = queue::send(&self.client, &self.url, batch, || true).await;
            if let Some((_, error)) = failures.pop() {
                return Err(error);
            }
        }
        Ok(())
    }
}
