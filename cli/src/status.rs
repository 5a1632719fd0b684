//! The number of messages in each queue: waiting and in flight.

use anyhow::{Context as _, Result};
use aws_sdk_sqs::{Client, types::QueueAttributeName};

use crate::{global::Global, output};

/// `storehook status`
pub async fn run(global: &Global) -> Result<()> {
    let connection = global.connect().await?;
    let client = Client::new(&connection.sdk);
    let mut table = format!("{:<14}{:>9}{:>12}", "queue", "waiting", "in flight");
    for queue in ["delivery", "retry", "dead-letter", "jobs", "rejected"] {
        let url = connection.queue_url(&client, queue).await?;
        let attributes = client
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .send()
            .await
            .with_context(|| format!("cannot read the queue {}", connection.resource(queue)))?
            .attributes
            .unwrap_or_default();
        let count = |name| attributes.get(&name).map_or("?", String::as_str);
        let waiting = count(QueueAttributeName::ApproximateNumberOfMessages);
        let in_flight = count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
        table.push_str(&format!("\n{queue:<14}{waiting:>9}{in_flight:>12}"));
    }
    Ok(output::line(table)?)
}
