//! Sending batches of deliveries to SQS.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_sqs::{
    Client, error::SdkError, operation::send_message_batch::SendMessageBatchOutput,
    types::SendMessageBatchRequestEntry,
};
use storehook_domain::delivery::fan_out::QueueEntry;

use crate::backoff;

/// A call of SQS failed. Its messages may be in the queue or not.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the call of SQS failed")]
pub struct QueueError(#[source] Arc<aws_sdk_sqs::Error>);

impl<E, R> From<SdkError<E, R>> for QueueError
where
    aws_sdk_sqs::Error: From<SdkError<E, R>>,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self(Arc::new(error.into()))
    }
}

/// Why SQS did not take a message.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    /// The whole call failed.
    #[error(transparent)]
    Call(#[from] QueueError),
    /// SQS refuses the message's content.
    #[error("SQS refused the message's content")]
    Refused,
    /// SQS failed at this message of a batch, with this code.
    #[error("SQS did not take the message: {0}")]
    Failed(String),
    /// The response does not mention the message.
    #[error("SQS did not say that it took the message")]
    Unmentioned,
}

impl SendError {
    /// Whether SQS will never take the message. Only what it says of the content is for good: a missing
    /// permission, key or queue is the operator's to mend, and must lose nothing meanwhile.
    pub fn is_for_good(&self) -> bool {
        match self {
            Self::Refused => true,
            Self::Call(QueueError(error)) => matches!(**error, aws_sdk_sqs::Error::InvalidMessageContents(_)),
            Self::Failed(_) | Self::Unmentioned => false,
        }
    }
}

/// How often the messages of a batch are sent again that SQS did not take.
const FURTHER_TRIES: usize = 3;

/// Sends a batch, and sends again what SQS did not take of it, while `goes_on` says so. Returns the messages
/// that are not in the queue, each with the reason. A call that failed as a whole is not made again: the SDK
/// has done that.
pub async fn send(
    client: &Client,
    url: &str,
    batch: Vec<QueueEntry>,
    goes_on: impl Fn() -> bool,
) -> Vec<(QueueEntry, SendError)> {
    let (mut waiting, mut refused) = (batch, Vec::new());
    let mut waits = backoff(FURTHER_TRIES);
    loop {
        let mut untaken = match send_batch(client, url, &waiting).await {
            Ok(untaken) => untaken,
            Err(error) => {
                refused.extend(waiting.into_iter().map(|message| (message, error.clone().into())));
                return refused;
            }
        };
        let failed = waiting.into_iter().enumerate();
        let failed = failed.filter_map(|(index, message)| Some((message, untaken.remove(&index)?)));
        let (for_good, failed): (Vec<_>, Vec<_>) = failed.partition(|(_, error)| error.is_for_good());
        refused.extend(for_good);
        match waits.next() {
            Some(wait) if !failed.is_empty() && goes_on() => tokio::time::sleep(wait).await,
            _ => {
                refused.extend(failed);
                return refused;
            }
        }
        waiting = failed.into_iter().map(|(message, _)| message).collect();
    }
}

/// Sends a batch in one call, each message in its webhook's group, so that a busy webhook does not hold up
/// the others. Returns the messages that SQS did not take, by their index in the batch.
pub async fn send_batch(
    client: &Client,
    url: &str,
    batch: &[QueueEntry],
) -> Result<BTreeMap<usize, SendError>, QueueError> {
    let entries = batch.iter().enumerate().map(|(index, message)| {
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(&message.body)
            .message_group_id(message.webhook_id.to_string())
            .build()
    });
    let entries = entries.collect::<Result<Vec<_>, _>>();
    let entries = entries.map_err(|error| QueueError(Arc::new(error.into())))?;
    let response = client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await?;
    Ok(untaken(&response, batch.len()))
}

/// Whatever a response does not name as sent was not sent.
fn untaken(response: &SendMessageBatchOutput, size: usize) -> BTreeMap<usize, SendError> {
    let mut untaken: BTreeMap<_, _> = (0..size).map(|index| (index, SendError::Unmentioned)).collect();
    for entry in response.successful() {
        if let Ok(index) = entry.id().parse::<usize>() {
            untaken.remove(&index);
        }
    }
    for entry in response.failed() {
        let index = entry.id().parse().ok().filter(|index| *index < size);
        let reason = match entry.code() {
            "InvalidMessageContents" => SendError::Refused,
            code => SendError::Failed(code.to_owned()),
        };
        untaken.extend(index.map(|index: usize| (index, reason)));
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
        let response = SendMessageBatchOutput::builder()
            .successful(sent("0")?)
            // A message that is named as both was not sent.
            .successful(sent("1")?)
            .failed(failed("1", "InvalidMessageContents")?)
            .failed(failed("2", "InternalError")?)
            .failed(failed("7", "InternalError")?)
            .failed(failed("x", "InternalError")?)
            .build()?;
        let untaken: Vec<_> =
            untaken(&response, 4).into_iter().map(|(index, why)| (index, why.to_string())).collect();
        let expected = [
            (1, "SQS refused the message's content"),
            (2, "SQS did not take the message: InternalError"),
            (3, "SQS did not say that it took the message"),
        ];
        assert_eq!(untaken, expected.map(|(index, why)| (index, why.to_owned())));
        Ok(())
    }
}
