//! A batch: sent directly or by the SDK, and again with a delay where it may be in the queue.

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
use crate::{
    backoff::backoff,
    direct::{Called, Direct},
};

/// How much later a batch comes that may be in the queue already, for each call that may have put it there:
/// nor must the messages of two such calls come at the same moment.
///
/// An attempt of a webhook takes up to 5 s unless it is set otherwise, and its record up to
/// [`HISTORY_TIME`](crate::history::HISTORY_TIME). An integration's takes up to 30 s, so its copy may come
/// too early. To wait longer would delay each batch that is not in the queue.
pub(super) const RESENT_AFTER: Duration = Duration::from_secs(10);

/// How often the SDK sends a batch again that may be in the queue.
const FURTHER_TRIES: usize = 2;

/// Sends a batch directly, or by the SDK if that call was not made; and again with a delay if it may be in
/// the queue.
pub(super) async fn call(
    client: &Client,
    direct: Option<&Direct>,
    url: &str,
    batch: &[QueueEntry],
) -> Result<Sent, QueueError> {
    let called = match direct {
        Some(direct) => direct.call("SendMessageBatch", &Batch::of(url, batch)).await,
        None => Called::NotMade,
    };
    let mut delay = match called {
        Called::Made(response) => match serde_json::from_slice(&response) {
            Ok(sent) => return Ok(sent),
            Err(_) => RESENT_AFTER,
        },
        Called::ConditionFailed(_) | Called::NotMade => Duration::ZERO,
        Called::Unclear => RESENT_AFTER,
    };
    let mut waits = backoff(FURTHER_TRIES);
    loop {
        let config = Config::builder().retry_classifier(OnlyRefused);
        let call = by_sdk(client, url, batch, delay)?.customize().config_override(config);
        let error = match Box::pin(call.send()).await {
            Ok(sent) => return Ok(sent.into()),
            Err(error) => error,
        };
        let is_refused = error.raw_response().is_some_and(|response| response.status().is_client_error());
        match waits.next() {
            Some(wait) if !is_refused => tokio::time::sleep(wait).await,
            _ => return Err(error.into()),
        }
        delay += RESENT_AFTER;
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
    delay: Duration,
) -> Result<SendMessageBatchFluentBuilder, QueueError> {
    let delay = i32::try_from(delay.as_secs()).ok().filter(|delay| *delay > 0);
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
