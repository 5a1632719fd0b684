//! The two queues of a redrive, and the five calls that it makes of them.

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

/// How long a message that was received is hidden from others: longer than what is done with ten of them can
/// take, and short enough to wait for where a redrive was killed.
pub const HIDDEN_FOR: Duration = Duration::from_secs(15 * 60);

/// How long a receive waits for messages, in seconds. Any wait has SQS ask all of its servers and not a sample.
const RECEIVE_WAIT: i32 = 1;

/// Where dead letters are taken from, and where they are put.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
    /// The dead-letter queue's URL.
    pub dead_letter: String,
    /// The delivery queue's URL.
    pub delivery: String,
}

/// What a batch call has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// The places in the batch of what it has done.
    pub(super) places: BTreeSet<usize>,
    /// Why it has not done the rest, in the words of one of them.
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

    /// How many dead letters there are, about: those that can be received, and those that are hidden.
    pub(super) async fn depth(&self) -> Result<(u64, u64)> {
        use QueueAttributeName::{ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible};
        let get = self.client.get_queue_attributes().queue_url(&self.dead_letter);
        let get = get.attribute_names(ApproximateNumberOfMessages);
        let answer = get.attribute_names(ApproximateNumberOfMessagesNotVisible).send().await;
        let attributes = answer.context("the dead-letter queue could not be read")?.attributes;
        let attributes = attributes.unwrap_or_default();
        let count = |name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or(0);
        Ok((count(ApproximateNumberOfMessages), count(ApproximateNumberOfMessagesNotVisible)))
    }

    /// Takes some dead letters, which hides them from others.
    pub(super) async fn receive(&self) -> Result<Vec<Message>> {
        let receive = self.client.receive_message().queue_url(&self.dead_letter);
        let receive = receive.max_number_of_messages(BATCH_LIMIT as i32).wait_time_seconds(RECEIVE_WAIT);
        let answer = receive.visibility_timeout(HIDDEN_FOR.as_secs() as i32).send().await;
        Ok(answer.context("the dead-letter queue could not be received from")?.messages.unwrap_or_default())
    }

    /// Puts messages into the delivery queue: one batch.
    pub(super) async fn send(&self, batch: &[fan_out::QueueEntry]) -> Done {
        match queue::send_batch(&self.client, &self.delivery, batch).await {
            Ok(untaken) => Done {
                places: (0..batch.len()).filter(|place| !untaken.contains_key(place)).collect(),
                refusal: untaken.into_values().next(),
            },
            Err(error) => Done::nothing(&error),
        }
    }

    /// Deletes dead letters, by their receipts: one batch.
    pub(super) async fn delete(&self, receipts: &[&str]) -> Done {
        let entries = receipts.iter().enumerate().map(|(place, receipt)| {
            DeleteMessageBatchRequestEntry::builder().id(place.to_string()).receipt_handle(*receipt).build()
        });
        let entries = match entries.collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(error) => return Done::nothing(&error),
        };
        let call = self.client.delete_message_batch().queue_url(&self.dead_letter);
        match call.set_entries(Some(entries)).send().await {
            Ok(answer) => {
                Done::of(answer.successful().iter().map(|entry| entry.id()), answer.failed(), receipts.len())
            }
            Err(error) => Done::nothing(&error),
        }
    }

    /// Shows dead letters to others again, by their receipts: one batch. One that the answer names as
    /// failed is not hidden any more, or shows itself in time.
    pub(super) async fn show(&self, receipts: &[&str]) -> Result<()> {
        let entries = receipts.iter().enumerate().map(|(place, receipt)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(place.to_string())
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
    /// What the answer to a batch of this size names as done. What it names twice, or not at all, is not.
    fn of<'a>(
        successful: impl Iterator<Item = &'a str>,
        failed: &[BatchResultErrorEntry],
        size: usize,
    ) -> Self {
        let mut places: BTreeSet<usize> =
            successful.filter_map(|id| id.parse().ok()).filter(|place| *place < size).collect();
        let mut refusal = None;
        for entry in failed {
            places.retain(|place| place.to_string() != entry.id());
            refusal = Some([Some(entry.code()), entry.message()].into_iter().flatten().collect::<Vec<_>>());
        }
        let refusal = refusal.map(|texts| texts.join(": "));
        let unmentioned = || (places.len() < size).then(|| "SQS did not say that it was done".to_owned());
        let refusal = refusal.or_else(unmentioned);
        Self { places, refusal }
    }

    fn nothing(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { places: BTreeSet::new(), refusal: Some(storehook_aws::causes(error)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_answer_names_as_done_and_not_as_failed_is_done() -> Result<()> {
        let failed = |id: &str| {
            BatchResultErrorEntry::builder()
                .id(id)
                .code("InternalError")
                .message("try again")
                .sender_fault(false)
                .build()
        };
        for (successful, failed, places, refusal) in [
            (vec!["0", "1", "2"], vec![], vec![0, 1, 2], None),
            (vec!["0"], vec![failed("1")?, failed("2")?], vec![0], Some("InternalError: try again")),
            (vec!["0", "1", "2"], vec![failed("1")?], vec![0, 2], Some("InternalError: try again")),
            (vec!["2"], vec![], vec![2], Some("SQS did not say that it was done")),
            (vec!["3", "x", ""], vec![], vec![], Some("SQS did not say that it was done")),
        ] {
            let done = Done::of(successful.into_iter(), &failed, 3);
            let refusal = refusal.map(str::to_owned);
            assert_eq!(done, Done { places: places.into_iter().collect(), refusal });
        }
        Ok(())
    }
}
