//! Sending to SQS: batches whose failed entries are tried again, and then reported.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_sqs::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use storehook_aws::queue::{self, QueueError};
use storehook_domain::delivery::fan_out::QueueEntry;

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
    pub(crate) async fn send_batch(
        &self,
        batch: Vec<QueueEntry>,
        times: Times,
    ) -> Vec<(QueueEntry, SendFailure)> {
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
    async fn try_batch(&self, batch: &[QueueEntry]) -> Result<BTreeMap<usize, SendFailure>, SendFailure> {
        match queue::send_batch(&self.client, &self.url, batch).await {
            Ok(untaken) => {
                Ok(untaken.into_iter().map(|(place, code)| (place, failure_of_code(&code))).collect())
            }
            Err(QueueError { code, cause }) => Err(failure(&code, cause)),
        }
    }
}

/// A whole call that failed.
fn failure_of_call<E, R>(error: &SdkError<E, R>) -> SendFailure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    failure(error.code().unwrap_or_default(), storehook_aws::causes(error))
}

fn failure(code: &str, cause: String) -> SendFailure {
    match failure_of_code(code) {
        refused @ SendFailure::Refused(_) => refused,
        SendFailure::Unavailable(_) => SendFailure::Unavailable(cause),
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
