//! One batch, in one call: sent directly or by the SDK, and again where it may not be in the queue.

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::{
    Client,
    config::{Config, interceptors::InterceptorContext},
    operation::send_message_batch::{SendMessageBatchOutput, builders::SendMessageBatchFluentBuilder},
    types::SendMessageBatchRequestEntry,
};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use serde::{Deserialize, Serialize};
use storehook_domain::delivery::fan_out::QueueEntry;

use super::error::QueueError;
use crate::direct::{Answer, Direct};

/// With what delay a batch is sent that may be in the queue already. An attempt takes up to 5 s, unless it
/// is set otherwise, and its record up to [`HISTORY_TIME`](crate::history::HISTORY_TIME).
pub const RESENT_AFTER: Duration = Duration::from_secs(10);

/// Sends a batch: once, and once more if it may not be in the queue.
pub(super) async fn call(
    client: &Client,
    direct: Option<&Direct>,
    url: &str,
    batch: &[QueueEntry],
) -> Result<Sent, QueueError> {
    let mut once = match direct {
        Some(direct) => once_directly(direct, url, batch).await,
        None => Once::NotMade,
    };
    if matches!(once, Once::NotMade) {
        once = Box::pin(once_by_sdk(client, url, batch)).await?;
    }
    match once {
        Once::Sent(sent) => Ok(sent),
        Once::NotMade | Once::Unclear => {
            Ok(Box::pin(by_sdk(client, url, batch, Some(RESENT_AFTER))?.send()).await?.into())
        }
    }
}

/// What one call came to.
enum Once {
    /// SQS has responded.
    Sent(Sent),
    /// The call was not made.
    NotMade,
    /// Nobody knows whether the messages are in the queue.
    Unclear,
}

async fn once_directly(direct: &Direct, url: &str, batch: &[QueueEntry]) -> Once {
    match direct.call("SendMessageBatch", &Batch::of(url, batch)).await {
        Answer::Made(output) => serde_json::from_slice(&output).map_or(Once::Unclear, Once::Sent),
        Answer::ConditionFailed(_) | Answer::NotMade => Once::NotMade,
        Answer::Unclear => Once::Unclear,
    }
}

/// Sends a batch by the SDK, which sends it again only where SQS has refused it.
///
/// # Errors
///
/// SQS refused it each time.
async fn once_by_sdk(client: &Client, url: &str, batch: &[QueueEntry]) -> Result<Once, QueueError> {
    let config = Config::builder().retry_classifier(OnlyRefused);
    let sent = by_sdk(client, url, batch, None)?.customize().config_override(config).send().await;
    match sent {
        Ok(sent) => Ok(Once::Sent(sent.into())),
        Err(error) if error.raw_response().is_some_and(|response| response.status().is_client_error()) => {
            Err(error.into())
        }
        Err(_) => Ok(Once::Unclear),
    }
}

/// Lets the SDK repeat no attempt whose messages may be in the queue.
#[derive(Debug)]
struct OnlyRefused;

impl ClassifyRetry for OnlyRefused {
    fn classify_retry(&self, attempt: &InterceptorContext) -> RetryAction {
        match attempt.response() {
            Some(response) if response.status().is_client_error() => RetryAction::NoActionIndicated,
            _ => RetryAction::RetryForbidden,
        }
    }

    fn name(&self) -> &'static str {
        "only refused"
    }
}

/// The call of the SDK.
fn by_sdk(
    client: &Client,
    url: &str,
    batch: &[QueueEntry],
    delay: Option<Duration>,
) -> Result<SendMessageBatchFluentBuilder, QueueError> {
    let delay = delay.and_then(|delay| delay.as_secs().try_into().ok());
    let entries = batch.iter().enumerate().map(|(index, message)| {
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(&message.body)
            .message_group_id(message.group.as_str())
            .set_delay_seconds(delay)
            .build()
    });
    let entries = entries.collect::<Result<Vec<_>, _>>();
    let entries = entries.map_err(|error| QueueError(Arc::new(error.into())))?;
    Ok(client.send_message_batch().queue_url(url).set_entries(Some(entries)))
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
pub(super) struct Sent {
    pub(super) successful: Vec<Taken>,
    pub(super) failed: Vec<Failed>,
}

impl From<SendMessageBatchOutput> for Sent {
    fn from(output: SendMessageBatchOutput) -> Self {
        let taken = output.successful.into_iter().map(|entry| Taken { id: entry.id });
        let failed = output.failed.into_iter().map(|entry| Failed { id: entry.id, code: entry.code });
        Self { successful: taken.collect(), failed: failed.collect() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Taken {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Failed {
    pub(super) id: String,
    pub(super) code: String,
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
