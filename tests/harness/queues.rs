//! The queues of a stack, as a test looks into them.

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::{Message, QueueAttributeName};

use crate::{stack::Stack, waiting::eventually};

impl Stack {
    /// The URL of one of its queues.
    pub async fn queue_url(&self, queue: &str) -> Result<String> {
        let client = aws_sdk_sqs::Client::new(&self.sdk());
        let url = client.get_queue_url().queue_name(self.resource(queue)).send().await?.queue_url;
        url.with_context(|| format!("no queue {queue}"))
    }

    /// Waits for a message of a queue that holds this text, and returns it. It stays in the queue.
    pub async fn wait_for_message(&self, queue: &str, text: &str) -> Result<Message> {
        let client = aws_sdk_sqs::Client::new(&self.sdk());
        let url = &self.queue_url(queue).await?;
        eventually(&format!("a message with {text} on {queue}"), || async {
            Ok(receive(&client, url, 1).await?.into_iter().find(|message| holds(message, text)))
        })
        .await
    }

    /// The messages of a queue that hold this text.
    pub async fn messages(&self, queue: &str, text: &str) -> Result<Vec<Message>> {
        let client = aws_sdk_sqs::Client::new(&self.sdk());
        let url = self.queue_url(queue).await?;
        let mut found = Vec::new();
        loop {
            let messages = receive(&client, &url, 10).await?;
            if messages.is_empty() {
                return Ok(found);
            }
            found.extend(messages.into_iter().filter(|message| holds(message, text)));
        }
    }

    /// Waits until a queue holds nothing that could be received now.
    pub async fn wait_until_idle(&self, queue: &str) -> Result<()> {
        let visible = [QueueAttributeName::ApproximateNumberOfMessages];
        eventually(&format!("{queue} to be idle"), || async {
            Ok((self.sum_of(queue, &visible).await? == 0).then_some(()))
        })
        .await
    }

    /// How many messages a queue holds, hidden and delayed ones included.
    pub async fn count(&self, queue: &str) -> Result<usize> {
        let all = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        self.sum_of(queue, &all).await
    }

    /// Waits until a queue holds so many messages, hidden or not.
    pub async fn wait_for_count(&self, queue: &str, count: usize) -> Result<()> {
        eventually(&format!("{count} messages on {queue}"), || async {
            Ok((self.count(queue).await? == count).then_some(()))
        })
        .await
    }

    async fn sum_of(&self, queue: &str, names: &[QueueAttributeName]) -> Result<usize> {
        let client = aws_sdk_sqs::Client::new(&self.sdk());
        let url = self.queue_url(queue).await?;
        let get = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
        let attributes = get.send().await?.attributes.unwrap_or_default();
        let counts = attributes.values().map(|count| count.parse::<usize>());
        Ok(counts.sum::<Result<usize, _>>()?)
    }
}

/// Receives some messages and hides them for a few seconds, so that the next call gets others.
async fn receive(client: &aws_sdk_sqs::Client, url: &str, seconds: i32) -> Result<Vec<Message>> {
    let receive = client.receive_message().queue_url(url).max_number_of_messages(10);
    let response = receive.visibility_timeout(seconds).send().await?;
    Ok(response.messages.unwrap_or_default())
}

fn holds(message: &Message, text: &str) -> bool {
    message.body().is_some_and(|body| body.contains(text))
}
