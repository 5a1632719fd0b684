//! The two queues of a redrive, and the five calls that it makes.
//!
//! A batch call can succeed for a part of its entries. An entry counts as done only if the response
//! names it as successful and does not name it as failed.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result};
use aws_sdk_sqs::{
    Client,
    types::{
        BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
        Message, QueueAttributeName,
    },
};
use storehook_aws::queue;
use storehook_domain::delivery::fan_out::{self, BATCH_LIMIT};

use crate::stack::connection::Connection;

/// How long a received message is hidden from others: longer than a redrive needs for ten messages,
/// and short enough to wait for after a killed redrive.
pub const HIDDEN_FOR: Duration = Duration::from_secs(15 * 60);

/// How many seconds a receive waits for messages. With a wait, SQS asks all of its servers and not
/// only some.
const RECEIVE_WAIT: i32 = 1;

/// The queue that dead letters come from, and the queue that they go to.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
    /// The dead-letter queue's URL.
    pub dead_letter: String,
    /// The delivery queue's URL.
    pub delivery: String,
}

/// What a batch call did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// The indexes of the entries that are done.
    pub(super) indexes: BTreeSet<usize>,
    /// If entries are not done: the reason that SQS gives for one of them.
    pub(super) refusal: Option<String>,
}

impl Queues {
    /// The queues of a stack.
    pub async fn of(connection: &Connection) -> Result<Self> {
        let client = Client::new(&connection.sdk);
        let dead_letter = connection.queue_url(&client, "dead-letter").await?;
        let delivery = connection.queue_url(&client, "delivery").await?;
        Ok(Self { client, dead_letter, delivery })
    }

    /// Roughly how many dead letters are visible, and how many are hidden.
    pub(super) async fn depth(&self) -> Result<(u64, u64)> {
        use QueueAttributeName::{ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible};
        let get = self.client.get_queue_attributes().queue_url(&self.dead_letter);
        let get = get.attribute_names(ApproximateNumberOfMessages);
        let response = get.attribute_names(ApproximateNumberOfMessagesNotVisible).send().await;
        let attributes = response.context("cannot read the dead-letter queue")?.attributes;
        let attributes = attributes.unwrap_or_default();
        let count = |name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or(0);
        Ok((count(ApproximateNumberOfMessages), count(ApproximateNumberOfMessagesNotVisible)))
    }

    /// Receives up to ten dead letters. That hides them from others.
    pub(super) async fn receive(&self) -> Result<Vec<Message>> {
        let receive = self.client.receive_message().queue_url(&self.dead_letter);
        let receive = receive.max_number_of_messages(BATCH_LIMIT as i32).wait_time_seconds(RECEIVE_WAIT);
        let response = receive.visibility_timeout(HIDDEN_FOR.as_secs() as i32).send().await;
        Ok(response.context("cannot receive dead letters")?.messages.unwrap_or_default())
    }

    /// Sends one batch of messages to the delivery queue.
    pub(super) async fn send(&self, batch: &[fan_out::QueueEntry]) -> Done {
        match queue::send_batch(&self.client, &self.delivery, batch).await {
            Ok(untaken) => Done {
                indexes: (0..batch.len()).filter(|index| !untaken.contains_key(index)).collect(),
                refusal: untaken.into_values().next().map(|error| error.to_string()),
            },
            Err(error) => Done::nothing(&error),
        }
    }

    /// Deletes one batch of dead letters, by their receipts.
    pub(super) async fn delete(&self, receipts: &[&str]) -> Done {
        let entries = receipts.iter().enumerate().map(|(index, receipt)| {
            DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(*receipt).build()
        });
        let entries = match entries.collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(error) => return Done::nothing(&error),
        };
        let call = self.client.delete_message_batch().queue_url(&self.dead_letter);
        match call.set_entries(Some(entries)).send().await {
            Ok(response) => Done::of(
                response.successful().iter().map(|entry| entry.id()),
                response.failed(),
                receipts.len(),
            ),
            Err(error) => Done::nothing(&error),
        }
    }

    /// Makes one batch of dead letters visible again, by their receipts. If that fails for one, it
    /// is already visible, or becomes visible in time.
    pub(super) async fn show(&self, receipts: &[&str]) -> Result<()> {
        let entries = receipts.iter().enumerate().map(|(index, receipt)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(*receipt)
                .visibility_timeout(0)
                .build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let call = self.client.change_message_visibility_batch().queue_url(&self.dead_letter);
        call.set_entries(Some(entries)).send().await?;
        Ok(())
    }
}

impl Done {
    /// The entries that the response to a batch of this size names as done. An entry is not done if
    /// the response does not name it, or also names it as failed.
    fn of<'a>(
        successful: impl Iterator<Item = &'a str>,
        failed: &[BatchResultErrorEntry],
        size: usize,
    ) -> Self {
        let mut indexes: BTreeSet<usize> =
            successful.filter_map(|id| id.parse().ok()).filter(|index| *index < size).collect();
        let mut refusal = None;
        for entry in failed {
            indexes.retain(|index| index.to_string() != entry.id());
            refusal = Some([Some(entry.code()), entry.message()].into_iter().flatten().collect::<Vec<_>>());
        }
        let refusal = refusal.map(|texts| texts.join(": "));
        let unmentioned = || (indexes.len() < size).then(|| "SQS did not confirm it".to_owned());
        let refusal = refusal.or_else(unmentioned);
        Self { indexes, refusal }
    }

    fn nothing(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { indexes: BTreeSet::new(), refusal: Some(storehook_aws::causes(error)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_done_only_if_named_as_successful_and_not_as_failed() -> Result<()> {
        let failed = |id: &str| {
            BatchResultErrorEntry::builder()
                .id(id)
                .code("InternalError")
                .message("try again")
                .sender_fault(false)
                .build()
        };
        for (successful, failed, indexes, refusal) in [
            (vec!["0", "1", "2"], vec![], vec![0, 1, 2], None),
            (vec!["0"], vec![failed("1")?, failed("2")?], vec![0], Some("InternalError: try again")),
            (vec!["0", "1", "2"], vec![failed("1")?], vec![0, 2], Some("InternalError: try again")),
            (vec!["2"], vec![], vec![2], Some("SQS did not confirm it")),
            (vec!["3", "x", ""], vec![], vec![], Some("SQS did not confirm it")),
        ] {
            let done = Done::of(successful.into_iter(), &failed, 3);
            let refusal = refusal.map(str::to_owned);
            assert_eq!(done, Done { indexes: indexes.into_iter().collect(), refusal });
        }
        Ok(())
    }
}
