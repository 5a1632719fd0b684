//! The delivery queue, as replays and tests are sent into it.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    error::{BuildError, SdkError},
    types::SendMessageBatchRequestEntry,
};
use storehook_domain::{
    Delivery,
    fan_out::{self, Message},
};

/// The delivery queue.
#[derive(Clone)]
pub(crate) struct DeliveryQueue {
    pub(crate) client: Client,
    pub(crate) url: String,
}

/// Why deliveries did not get into the queue, all or some.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    #[error("SQS did not do as asked")]
    Call(#[source] Box<aws_sdk_sqs::Error>),
    #[error("SQS did not take {count} of the messages: {code}")]
    Refused { count: usize, code: String },
}

impl From<BuildError> for QueueError {
    fn from(error: BuildError) -> Self {
        Self::Call(Box::new(error.into()))
    }
}

impl<E, R> From<SdkError<E, R>> for QueueError
where
    aws_sdk_sqs::Error: From<SdkError<E, R>>,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self::Call(Box::new(aws_sdk_sqs::Error::from(error)))
    }
}

/// How long the messages that SQS failed to take wait before each further try.
const BACKOFFS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];

impl DeliveryQueue {
    /// Sends deliveries. On an error some of them may have been sent.
    pub(crate) async fn send(&self, deliveries: &[Delivery<'_>]) -> Result<(), QueueError> {
        let messages = deliveries.iter().enumerate().map(|(record, delivery)| Message {
            record,
            webhook_id: delivery.webhook_id,
            body: delivery.to_message(),
        });
        for batch in fan_out::batches(messages).collect::<Vec<_>>() {
            self.send_batch(batch).await?;
        }
        Ok(())
    }

    async fn send_batch(&self, mut batch: Vec<Message>) -> Result<(), QueueError> {
        let mut backoffs = BACKOFFS.iter();
        loop {
            let entries = batch.iter().enumerate().map(|(index, message)| {
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(&message.body)
                    .message_group_id(message.webhook_id.to_string())
                    .build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let call = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            let answer = call.send().await?;
            // What the answer does not call sent was not sent.
            let is_sent =
                |index: usize| answer.successful().iter().any(|entry| entry.id() == index.to_string());
            let unsent = batch.into_iter().enumerate().filter(|(index, _)| !is_sent(*index));
            batch = unsent.map(|(_, message)| message).collect();
            if batch.is_empty() {
                return Ok(());
            }
            match backoffs.next() {
                Some(wait) => tokio::time::sleep(*wait).await,
                None => {
                    let code = answer.failed().first().map_or("", |entry| entry.code()).to_owned();
                    return Err(QueueError::Refused { count: batch.len(), code });
                }
            }
        }
    }
}
