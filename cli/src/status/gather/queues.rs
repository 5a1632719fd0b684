//! How many messages are in each queue.

use anyhow::{Context as _, Result};
use aws_sdk_sqs::{Client, types::QueueAttributeName};

use crate::{
    stack::connection::Connection,
    status::facts::{Queue, QueueFacts},
};

/// Counts the messages of a queue, as SQS does: about.
pub(super) async fn load(connection: &Connection, queue: Queue) -> Result<QueueFacts> {
    use QueueAttributeName::{
        ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
        ApproximateNumberOfMessagesNotVisible,
    };
    let client = Client::new(&connection.sdk);
    let name = connection.resource(queue.as_str());
    let url = connection.queue_url(&client, queue.as_str()).await?;
    let get = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(vec![
        ApproximateNumberOfMessages,
        ApproximateNumberOfMessagesNotVisible,
        ApproximateNumberOfMessagesDelayed,
    ]));
    let attributes = get.send().await.with_context(|| format!("cannot read the queue {name}"))?.attributes;
    let attributes = attributes.unwrap_or_default();
    let count = |name: &QueueAttributeName| attributes.get(name).and_then(|count| count.parse().ok());
    Ok(QueueFacts {
        queue,
        name,
        waiting: count(&ApproximateNumberOfMessages),
        in_flight: count(&ApproximateNumberOfMessagesNotVisible),
        delayed: count(&ApproximateNumberOfMessagesDelayed),
        oldest_seconds: None,
    })
}
