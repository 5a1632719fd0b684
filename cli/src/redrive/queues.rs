//! The two queues of a redrive.

use anyhow::Result;
use aws_sdk_sqs::Client;
use storehook_aws::queue;
use storehook_domain::delivery::fan_out;

use crate::{
    drain::source::{Done, SourceQueue},
    stack::connection::Connection,
};

/// The queue that dead letters come from, and the queue that they go to.
#[derive(Debug, Clone)]
pub struct Queues {
    /// The dead-letter queue.
    pub dead_letter: SourceQueue,
    /// The delivery queue's URL.
    pub delivery: String,
}

impl Queues {
    /// The queues of a stack.
    pub async fn of(connection: &Connection) -> Result<Self> {
        let client = Client::new(&connection.sdk);
        let url = connection.queue_url(&client, "dead-letter").await?;
        let delivery = connection.queue_url(&client, "delivery").await?;
        Ok(Self { dead_letter: SourceQueue { client, url, things: "dead letters" }, delivery })
    }

    /// Sends one batch of messages to the delivery queue.
    pub(super) async fn send(&self, batch: &[fan_out::QueueEntry]) -> Done {
        match queue::send_batch(&self.dead_letter.client, None, &self.delivery, batch).await {
            Ok(untaken) => Done {
                indexes: (0..batch.len()).filter(|index| !untaken.contains_key(index)).collect(),
                refusal: untaken.into_values().next().map(|error| error.to_string()),
            },
            Err(error) => Done::nothing(&error),
        }
    }
}
