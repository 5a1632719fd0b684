//! The delivery queue, as replays and test events are sent into it.

use aws_sdk_sqs::Client;
use storehook_aws::{
    metrics::{Meter, Metric},
    queue::{self, SendError},
};
use storehook_domain::delivery::{
    fan_out::{self, QueueEntry},
    message::DeliveryMessage,
};

/// The delivery queue.
#[derive(Clone)]
pub(crate) struct DeliveryQueue {
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) meter: Meter,
}

impl DeliveryQueue {
    /// Sends messages. On an error, some of them may be in the queue.
    pub(crate) async fn send(&self, messages: &[DeliveryMessage<'_>]) -> Result<(), SendError> {
        let entries = messages.iter().enumerate();
        let entries = entries.map(|(record, message)| QueueEntry::of(record, message));
        for batch in fan_out::batches(entries).collect::<Vec<_>>() {
            let size = batch.len();
            let mut failures = queue::send(&self.client, None, &self.url, batch, || true).await;
            self.meter.count(Metric::Sent, (size - failures.len()) as i64);
            if let Some((_, error)) = failures.pop() {
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use storehook_aws::metrics::Metric;
    use storehook_domain::{delivery::test_event::test_delivery, event::id::EventId};

    use crate::stand_in::{Api, TestResult, webhook};

    /// Messages are counted where they are sent: nobody else knows which of a batch SQS took.
    #[tokio::test]
    async fn messages_that_sqs_took_are_counted() -> TestResult {
        let message = test_delivery(&webhook(json!({}))?, EventId::parse("e1")?, storehook_aws::now());
        let refused = json!({"Id": "0", "Code": "InvalidMessageContents", "SenderFault": true});
        for (failed, sent) in [(json!([]), 2), (json!([refused]), 1)] {
            let api = Api::start().await?;
            if failed != json!([]) {
                let taken = json!({"Id": "1", "MessageId": "m", "MD5OfMessageBody": "d"});
                api.reply("SendMessageBatch", json!({"Successful": [taken], "Failed": failed}));
            }
            let result = api.app.queue.send(&[message.clone(), message.clone()]).await;
            assert_eq!(result.is_ok(), sent == 2);
            assert_eq!(api.app.meter.take().counted(Metric::Sent), sent);
        }
        Ok(())
    }
}
