//! Sending batches of deliveries to SQS.
//!
//! A `SendMessageBatch` call holds at most 10 messages and 1 MiB ("Amazon SQS message quotas"); the
//! domain packs batches so. The call can succeed for some messages only, even with status 200, and
//! the response has a result for each message (`SendMessageBatch`, Amazon SQS API Reference). A
//! call that failed as a whole is made again by [`send_batch`], single messages by [`send`].
//!
//! Only one error is final: `InvalidMessageContents`. The message has characters that SQS does not
//! allow. Other errors may pass, or an operator can fix their cause.
//!
//! If a response is lost and the batch is sent again, its messages may be in the queue twice. Deliveries
//! are idempotent by their id, but two copies that are received at the same moment are both attempted,
//! because no record can tell them apart yet. So a batch that may be in the queue is sent again with a
//! delay of 10 seconds: when a copy comes, the first message usually has had its attempt and its record.

mod call;
mod error;

use std::collections::BTreeMap;

use aws_sdk_sqs::{Client, error::SdkError, operation::send_message_batch::SendMessageBatchError};
use storehook_domain::delivery::fan_out::QueueEntry;

pub use error::{QueueError, SendError};

use crate::{
    CALL_TIMEOUT,
    backoff::backoff,
    direct::Direct,
    queue::call::{Sent, call},
};

/// How often [`send`] sends the untaken messages of a batch again.
const FURTHER_TRIES: usize = 3;

/// Sends a batch. It sends messages again that SQS did not take, as long as `goes_on` returns true.
/// It does not repeat a call that failed as a whole, because [`send_batch`] has done so. Returns the
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

/// Sends a batch, by as many calls as it takes. Returns the messages that SQS did not take, by their index in the
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
    // Together the calls may take as long as one of the SDK.
    match tokio::time::timeout(CALL_TIMEOUT, call(client, direct, url, batch)).await {
        Ok(sent) => Ok(untaken(&sent?, batch.len())),
        Err(elapsed) => Err(SdkError::<SendMessageBatchError>::timeout_error(elapsed).into()),
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

#[cfg(all(test, feature = "stand-in"))]
mod tests;
