//! Sending to SQS in batches, as those do it who send deliveries.

use std::collections::BTreeMap;

use aws_sdk_sqs::{
    Client, operation::send_message_batch::SendMessageBatchOutput, types::SendMessageBatchRequestEntry,
};
use storehook_domain::delivery::fan_out::QueueEntry;

use crate::causes;

/// Why a batch was sent in vain: SQS could not be reached, or refused the call. What it was to send may be in
/// the queue or not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("SQS did not do as asked: {cause}")]
pub struct QueueError {
    /// SQS's code, or "".
    pub code: String,
    /// The whole chain of causes.
    pub cause: String,
}

/// The code of a message that the answer names neither as sent nor as failed.
pub const UNMENTIONED: &str = "the answer does not mention it";

/// Sends a batch in one call, each message in its webhook's group, so that a busy webhook does not hold up the
/// others. Returns those that SQS has not taken, by their place in the batch, each with the code of why.
pub async fn send_batch(
    client: &Client,
    url: &str,
    batch: &[QueueEntry],
) -> Result<BTreeMap<usize, String>, QueueError> {
    let entries = batch.iter().enumerate().map(|(place, message)| {
        SendMessageBatchRequestEntry::builder()
            .id(place.to_string())
            .message_body(&message.body)
            .message_group_id(message.webhook_id.to_string())
            .build()
    });
    let entries = entries.collect::<Result<Vec<_>, _>>();
    let entries = entries.map_err(|error| QueueError { code: String::new(), cause: causes(&error) })?;
    let call = client.send_message_batch().queue_url(url).set_entries(Some(entries));
    match call.send().await {
        Ok(answer) => Ok(untaken(&answer, batch.len())),
        Err(error) => {
            use aws_sdk_sqs::error::ProvideErrorMetadata as _;
            Err(QueueError { code: error.code().unwrap_or_default().to_owned(), cause: causes(&error) })
        }
    }
}

/// What an answer does not name as sent was not sent.
fn untaken(answer: &SendMessageBatchOutput, size: usize) -> BTreeMap<usize, String> {
    let mut untaken: BTreeMap<_, _> = (0..size).map(|place| (place, UNMENTIONED.to_owned())).collect();
    for entry in answer.successful() {
        if let Ok(place) = entry.id().parse::<usize>() {
            untaken.remove(&place);
        }
    }
    for entry in answer.failed() {
        let place = entry.id().parse().ok().filter(|place| *place < size);
        untaken.extend(place.map(|place: usize| (place, entry.code().to_owned())));
    }
    untaken
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchResultEntry};

    use super::*;

    #[test]
    fn every_message_of_a_batch_is_sent_failed_or_unmentioned() -> Result<(), aws_sdk_sqs::error::BuildError>
    {
        let failed = |id: &str, code: &str| {
            BatchResultErrorEntry::builder().id(id).code(code).sender_fault(true).build()
        };
        let sent = |id: &str| {
            SendMessageBatchResultEntry::builder().id(id).message_id("m").md5_of_message_body("d").build()
        };
        let answer = SendMessageBatchOutput::builder()
            .successful(sent("0")?)
            // One that is named as both was not sent.
            .successful(sent("1")?)
            .failed(failed("1", "InvalidMessageContents")?)
            .failed(failed("2", "InternalError")?)
            .failed(failed("7", "InternalError")?)
            .failed(failed("x", "InternalError")?)
            .build()?;
        let expected = [(1, "InvalidMessageContents"), (2, "InternalError"), (3, UNMENTIONED)];
        let expected = expected.map(|(place, code)| (place, code.to_owned()));
        assert_eq!(untaken(&answer, 4), BTreeMap::from(expected));
        Ok(())
    }
}
