//! Sending to SQS: batches whose failed entries are tried again, and then reported.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_sqs::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::send_message_batch::SendMessageBatchOutput,
    types::SendMessageBatchRequestEntry,
};
use storehook_domain::fan_out::Message;

use crate::Times;

/// A queue that this function sends to.
#[derive(Clone)]
pub(crate) struct Queue {
    client: Client,
    url: String,
}

/// Why a message did not get into its queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendFailure {
    /// SQS failed, or could not be reached; the same message may get in later.
    #[error("SQS could not take the message: {0}")]
    Unavailable(String),
    /// SQS holds the message for faulty; it will never get in.
    #[error("SQS refused the message: {0}")]
    Refused(String),
}

/// How long failed entries wait before each of their further tries.
const BACKOFFS: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(800)];

impl SendFailure {
    /// The invocation is about to end.
    pub(crate) fn out_of_time() -> Self {
        Self::Unavailable("no time was left".to_owned())
    }
}

impl Queue {
    pub(crate) fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Sends one message that belongs to no group.
    pub(crate) async fn send(&self, body: String) -> Result<(), SendFailure> {
        match self.client.send_message().queue_url(&self.url).message_body(body).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failure_of_call(&error)),
        }
    }

    /// Sends a batch and returns the messages that did not get in, each with why. Entries that
    /// SQS failed to take are sent again by themselves; the rest of the batch is not. A call that
    /// failed as a whole is not made again: the SDK has done that already.
    pub(crate) async fn send_batch(&self, batch: Vec<Message>, times: Times) -> Vec<(Message, SendFailure)> {
        let mut waiting = batch;
        let mut refused = Vec::new();
        let mut backoffs = BACKOFFS.iter();
        loop {
            let failures = match self.try_batch(&waiting).await {
                Ok(failures) => failures,
                Err(failure) => {
                    refused.extend(waiting.into_iter().map(|message| (message, failure.clone())));
                    return refused;
                }
            };
            let mut failed = Vec::new();
            for (index, message) in waiting.into_iter().enumerate() {
                match failures.get(&index) {
                    None => {}
                    Some(failure @ SendFailure::Refused(_)) => refused.push((message, failure.clone())),
                    Some(failure @ SendFailure::Unavailable(_)) => failed.push((message, failure.clone())),
                }
            }
            match backoffs.next() {
                Some(wait) if !failed.is_empty() && !times.are_up() => tokio::time::sleep(*wait).await,
                _ => return refused.into_iter().chain(failed).collect(),
            }
            waiting = failed.into_iter().map(|(message, _)| message).collect();
        }
    }

    /// One call. The failures are by their message's place in the batch.
    async fn try_batch(&self, batch: &[Message]) -> Result<BTreeMap<usize, SendFailure>, SendFailure> {
        let entries = batch.iter().enumerate().map(|(index, message)| {
            SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(&message.body)
                .message_group_id(message.webhook_id.to_string())
                .build()
        });
        let entries =
            entries.collect::<Result<_, _>>().map_err(|error| SendFailure::Refused(error.to_string()))?;
        let call = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = call.send().await.map_err(|error| failure_of_call(&error))?;
        Ok(failures_in(&answer, batch.len()))
    }
}

/// The failures that an answer names. What it names neither as sent nor as failed was not sent.
fn failures_in(answer: &SendMessageBatchOutput, sent: usize) -> BTreeMap<usize, SendFailure> {
    let unmentioned = SendFailure::Unavailable("the answer does not mention it".to_owned());
    let mut failures: BTreeMap<_, _> = (0..sent).map(|index| (index, unmentioned.clone())).collect();
    for entry in answer.successful() {
        if let Ok(index) = entry.id().parse::<usize>() {
            failures.remove(&index);
        }
    }
    for entry in answer.failed() {
        let Ok(index) = entry.id().parse() else { continue };
        failures.insert(index, failure_of_code(entry.code()));
    }
    failures
}

/// A whole call that failed.
fn failure_of_call<E, R>(error: &SdkError<E, R>) -> SendFailure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    match failure_of_code(error.code().unwrap_or_default()) {
        refused @ SendFailure::Refused(_) => refused,
        SendFailure::Unavailable(_) => SendFailure::Unavailable(storehook_aws::causes(error)),
    }
}

/// Only what SQS says of a message's content is for good. A missing permission, key or queue is
/// the operator's to mend, and must lose nothing meanwhile.
fn failure_of_code(code: &str) -> SendFailure {
    match code {
        "InvalidMessageContents" => SendFailure::Refused(code.to_owned()),
        _ => SendFailure::Unavailable(code.to_owned()),
    }
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
        let sent = SendMessageBatchResultEntry::builder()
            .id("0")
            .message_id("m")
            .md5_of_message_body("d")
            .build()?;
        let answer = SendMessageBatchOutput::builder()
            .successful(sent)
            .failed(failed("1", "InvalidMessageContents")?)
            .failed(failed("2", "InternalError")?)
            .build()?;
        let expected = [
            (1, SendFailure::Refused("InvalidMessageContents".to_owned())),
            (2, SendFailure::Unavailable("InternalError".to_owned())),
            (3, SendFailure::Unavailable("the answer does not mention it".to_owned())),
        ];
        assert_eq!(failures_in(&answer, 4), BTreeMap::from(expected));
        Ok(())
    }
}
