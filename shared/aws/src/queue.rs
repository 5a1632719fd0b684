//! Sending batches of deliveries to SQS.
//!
//! A `SendMessageBatch` call holds at most 10 messages and 1 MiB ("Amazon SQS message quotas"); the
//! domain packs batches so. The call can succeed for some messages only, even with status 200, and
//! the response has a result for each message (`SendMessageBatch`, Amazon SQS API Reference). The
//! SDK retries a call that failed as a whole, but not single messages: [`send`] does that.
//!
//! Only one error is final: `InvalidMessageContents`. The message has characters that SQS does not
//! allow. Other errors may pass, or an operator can fix their cause.
//!
//! If the SDK loses a response and sends the batch again, its messages are in the queue twice.
//! Deliveries are idempotent by their id.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_sqs::{
    Client, error::SdkError, operation::send_message_batch::SendMessageBatchError,
    types::SendMessageBatchRequestEntry,
};
use serde::{Deserialize, Serialize};
use storehook_domain::delivery::fan_out::QueueEntry;

use crate::{CALL_TIMEOUT, backoff::backoff, direct::Direct};

/// A call of SQS failed as a whole. Its messages may be in the queue or not.
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
    /// SQS refused the message's content.
    #[error("SQS refused the message's content")]
    Refused,
    /// SQS did not take this message of a batch, with this code.
    #[error("SQS did not take the message: {0}")]
    Failed(String),
    /// The response does not mention the message.
    #[error("the response of SQS does not mention the message")]
    Unmentioned,
}

impl SendError {
    /// Whether SQS will never take the message, because of its content. An operator can fix a
    /// missing permission, key or queue, and until then no message must be lost.
    pub fn is_for_good(&self) -> bool {
        match self {
            Self::Refused => true,
            Self::Call(QueueError(error)) => matches!(**error, aws_sdk_sqs::Error::InvalidMessageContents(_)),
            Self::Failed(_) | Self::Unmentioned => false,
        }
    }
}

/// How often [`send`] sends the untaken messages of a batch again.
const FURTHER_TRIES: usize = 3;

/// Sends a batch. It sends messages again that SQS did not take, as long as `goes_on` returns true.
/// It does not repeat a call that failed as a whole, because the SDK has done so. Returns the
/// messages that are not in the queue, each with the reason.
pub async fn send(
    client: &Client,
    direct: Option<&Direct>,
    url: &str,
    batch: Vec<QueueEntry>,
    goes_on: impl Fn() -> bool,
) -> Vec<(QueueEntry, SendError)> {
    let (mut waiting, mut refused) = (batch, Vec::new());
    let mut waits = backoff(FURTHER_TRIES);
    loop {
        let mut untaken = match send_batch(client, direct, url, &waiting).await {
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

/// Sends a batch in one call. Returns the messages that SQS did not take, by their index in the
/// batch.
///
/// Each message is in the group of its installation.
///
/// # Errors
///
/// The call failed as a whole.
pub async fn send_batch(
    client: &Client,
    direct: Option<&Direct>,
    url: &str,
    batch: &[QueueEntry],
) -> Result<BTreeMap<usize, SendError>, QueueError> {
    let sent = async {
        if let Some(direct) = direct
            && let Some(sent) = direct.read("SendMessageBatch", &Batch::of(url, batch)).await
        {
            return Ok(sent);
        }
        Box::pin(send_by_sdk(client, url, batch)).await
    };
    // Together they may take as long as a call of the SDK.
    let sent = tokio::time::timeout(CALL_TIMEOUT, sent).await;
    let elapsed = |elapsed| SdkError::<SendMessageBatchError>::timeout_error(elapsed);
    Ok(untaken(&sent.unwrap_or_else(|error| Err(elapsed(error).into()))?, batch.len()))
}

/// Sends a batch by the SDK.
async fn send_by_sdk(client: &Client, url: &str, batch: &[QueueEntry]) -> Result<Sent, QueueError> {
    let entries = batch.iter().enumerate().map(|(index, message)| {
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(&message.body)
            .message_group_id(message.group.as_str())
            .build()
    });
    let entries = entries.collect::<Result<Vec<_>, _>>();
    let entries = entries.map_err(|error| QueueError(Arc::new(error.into())))?;
    let response = client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await?;
    let taken = response.successful.into_iter().map(|entry| Taken { id: entry.id });
    let failed = response.failed.into_iter().map(|entry| Failed { id: entry.id, code: entry.code });
    Ok(Sent { successful: taken.collect(), failed: failed.collect() })
}

/// The direct call ("SendMessageBatch", Amazon SQS API Reference).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<'a> {
    queue_url: &'a str,
    entries: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    id: String,
    message_body: &'a str,
    message_group_id: &'a str,
}

/// What SQS responds.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Sent {
    successful: Vec<Taken>,
    failed: Vec<Failed>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Taken {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    id: String,
    code: String,
}

impl<'a> Batch<'a> {
    fn of(queue_url: &'a str, batch: &'a [QueueEntry]) -> Self {
        let entries = batch.iter().enumerate().map(|(index, message)| Entry {
            id: index.to_string(),
            message_body: &message.body,
            message_group_id: message.group.as_str(),
        });
        Self { queue_url, entries: entries.collect() }
    }
}

/// The messages that the response does not name as sent, or names as failed.
fn untaken(response: &Sent, size: usize) -> BTreeMap<usize, SendError> {
    let mut untaken: BTreeMap<_, _> = (0..size).map(|index| (index, SendError::Unmentioned)).collect();
    for entry in &response.successful {
        if let Ok(index) = entry.id.parse::<usize>() {
            untaken.remove(&index);
        }
    }
    for entry in &response.failed {
        let index = entry.id.parse().ok().filter(|index| *index < size);
        let reason = match entry.code.as_str() {
            "InvalidMessageContents" => SendError::Refused,
            code => SendError::Failed(code.to_owned()),
        };
        untaken.extend(index.map(|index: usize| (index, reason)));
    }
    untaken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_as_sent_only_if_the_response_says_so() {
        let failed = |id: &str, code: &str| Failed { id: id.to_owned(), code: code.to_owned() };
        let response = Sent {
            // A message that is named as sent and as failed counts as failed.
            successful: ["0", "1"].map(|id| Taken { id: id.to_owned() }).into(),
            failed: vec![
                failed("1", "InvalidMessageContents"),
                failed("2", "InternalError"),
                failed("7", "InternalError"),
                failed("x", "InternalError"),
            ],
        };
        let untaken: Vec<_> =
            untaken(&response, 4).into_iter().map(|(index, why)| (index, why.to_string())).collect();
        let expected = [
            (1, "SQS refused the message's content"),
            (2, "SQS did not take the message: InternalError"),
            (3, "the response of SQS does not mention the message"),
        ];
        assert_eq!(untaken, expected.map(|(index, why)| (index, why.to_owned())));
    }
}
