//! The queue that is worked off, and the calls that this takes.
//!
//! A batch call can succeed for a part of its entries. An entry counts as done only if the response
//! names it as successful and does not name it as failed.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use aws_sdk_sqs::{
    Client,
    types::{
        BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
        Message, QueueAttributeName,
    },
};
use storehook_domain::delivery::fan_out::BATCH_LIMIT;

/// How many minutes a received message is hidden from others: longer than ten messages take, and
/// short enough to wait for after a killed command.
pub const HIDDEN_MINUTES: i32 = 15;

/// How many seconds a receive waits for messages. With a wait, SQS asks all of its servers and not
/// only some.
const RECEIVE_WAIT: i32 = 1;

/// The queue that is worked off.
#[derive(Debug, Clone)]
pub struct SourceQueue {
    /// Its client.
    pub client: Client,
    /// Its URL.
    pub url: String,
    /// What is in it, for errors: `dead letters`.
    pub things: &'static str,
}

/// What a batch call did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// The indexes of the entries that are done.
    pub indexes: BTreeSet<usize>,
    /// If entries are not done: the reason that SQS gives for one of them.
    pub refusal: Option<String>,
}

impl SourceQueue {
    /// Roughly how many messages are visible, and how many are hidden.
    pub async fn depth(&self) -> Result<(u64, u64)> {
        use QueueAttributeName::{ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible};
        let get = self.client.get_queue_attributes().queue_url(&self.url);
        let get = get.attribute_names(ApproximateNumberOfMessages);
        let response = get.attribute_names(ApproximateNumberOfMessagesNotVisible).send().await;
        let attributes =
            response.with_context(|| format!("cannot read the queue of {}", self.things))?.attributes;
        let attributes = attributes.unwrap_or_default();
        let count = |name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or(0);
        Ok((count(ApproximateNumberOfMessages), count(ApproximateNumberOfMessagesNotVisible)))
    }

    /// Receives up to ten messages. That hides them from others.
    pub async fn receive(&self) -> Result<Vec<Message>> {
        let receive = self.client.receive_message().queue_url(&self.url);
        let receive = receive.max_number_of_messages(BATCH_LIMIT as i32).wait_time_seconds(RECEIVE_WAIT);
        let response = receive.visibility_timeout(HIDDEN_MINUTES * 60).send().await;
        Ok(response.with_context(|| format!("cannot receive {}", self.things))?.messages.unwrap_or_default())
    }

    /// Deletes one batch of messages, by their receipts.
    pub async fn delete(&self, receipts: &[&str]) -> Done {
        let entries = receipts.iter().enumerate().map(|(index, receipt)| {
            DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(*receipt).build()
        });
        let entries = match entries.collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(error) => return Done::nothing(&error),
        };
        let call = self.client.delete_message_batch().queue_url(&self.url);
        match call.set_entries(Some(entries)).send().await {
            Ok(response) => Done::of(
                response.successful().iter().map(|entry| entry.id()),
                response.failed(),
                receipts.len(),
            ),
            Err(error) => Done::nothing(&error),
        }
    }

    /// Makes one batch of messages visible again, by their receipts. If that fails for one, it
    /// is already visible, or becomes visible in time.
    pub async fn show(&self, receipts: &[&str]) -> Result<()> {
        let entries = receipts.iter().enumerate().map(|(index, receipt)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(*receipt)
                .visibility_timeout(0)
                .build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let call = self.client.change_message_visibility_batch().queue_url(&self.url);
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

    /// Nothing, because the call failed.
    pub fn nothing(error: &(dyn std::error::Error + 'static)) -> Self {
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
