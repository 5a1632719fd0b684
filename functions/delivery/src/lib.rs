//! Delivery: from SQS messages to signed POSTs.
//!
//! Each message is one delivery, and each receive of it is at most one attempt. All
//! messages of a batch are worked on at the same time, and each has its own end:
//!
//! * **Delivered, or nobody to deliver to any more** – the message is done, and SQS
//!   deletes it.
//! * **Failed** – its visibility is set to the schedule's wait and it is named in
//!   `batchItemFailures`, so that SQS shows it again then. The queue's `maxReceiveCount`
//!   moves it to the retry queue, and from there to the dead-letter queue. This function
//!   never sleeps, and never sends a message anywhere.
//! * **Past its schedule, or no delivery at all** – it is named as failed with no wait
//!   and no attempt, again and again, until SQS moves it.
//!
//! What can go wrong: the registry cannot be read (the message fails, without an
//! attempt, by the same schedule); the visibility cannot be set (the message comes
//! again after the queue's own timeout); the process dies in the middle of a batch (the
//! same, for all of them); one message makes the code panic (it fails alone). Nothing is lost; an endpoint may see a delivery twice, and
//! knows it by its id.

mod attempt;
mod log;
mod pool;
mod sender;
mod settings;
mod targets;

use std::{panic::AssertUnwindSafe, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use bytes::Bytes;
use futures::{FutureExt as _, future};
use jiff::Timestamp;
use storehook_domain::{Delivery, Lane, Next, Outcome};

pub use sender::SenderError;
pub use settings::{QueueAddress, Settings};

use crate::{
    attempt::{Attempt, NoAttempt},
    sender::Sender,
    targets::Targets,
};

/// What every invocation needs: made once for each execution environment.
pub struct Dependencies {
    targets: Targets,
    sender: Sender,
    sqs: aws_sdk_sqs::Client,
    settings: Settings,
}

impl Dependencies {
    /// Sets the function up on an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Result<Self, SenderError> {
        Ok(Self {
            targets: Targets::new(aws_sdk_dynamodb::Client::new(sdk), settings.registry_table.clone()),
            sender: Sender::new(&settings)?,
            sqs: aws_sdk_sqs::Client::new(sdk),
            settings,
        })
    }
}

/// Works on a batch of messages. The answer names those that are to come again.
pub async fn handle(dependencies: &Dependencies, batch: SqsEvent) -> SqsBatchResponse {
    let work = batch.records.into_iter().map(|message| async move {
        // A message without an id fails its whole batch, which is the safe side.
        let id = message.message_id.clone().unwrap_or_default();
        let work = AssertUnwindSafe(handle_message(dependencies, message)).catch_unwind();
        match work.await {
            Ok(Fate::Done) => None,
            Ok(Fate::Again(_)) => Some(id),
            Err(_) => {
                tracing::error!(message.id = id, "the code panicked over a message; it comes again");
                Some(id)
            }
        }
    });
    let failed = future::join_all(work).await.into_iter().flatten();
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    response
}

/// A message that is a delivery.
struct Received<'a> {
    delivery: Delivery<'a>,
    message: &'a SqsMessage,
    lane: Lane,
    /// The message's body, which the delivery borrows from.
    body: &'a Bytes,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// SQS deletes it.
    Done,
    /// It comes again after a wait.
    Again(Next),
}

/// Works on one message, and hides it if it is to come again.
async fn handle_message(dependencies: &Dependencies, mut message: SqsMessage) -> Fate {
    let body = Bytes::from(message.body.take().unwrap_or_default());
    let lane = lane_of(&dependencies.settings, &message);
    let fate = match Delivery::parse(&body) {
        Ok(delivery) => {
            deliver(dependencies, &Received { delivery, message: &message, lane, body: &body }).await
        }
        Err(error) => {
            let error = storehook_aws::causes(&error);
            tracing::error!(error, message.id = message.message_id, "message is no delivery");
            Fate::Again(Next::Exhausted(Duration::ZERO))
        }
    };
    if let Fate::Again(next) = fate {
        hide(dependencies, &message, lane, next).await;
    }
    fate
}

/// Makes an attempt if one is due, and decides what follows.
async fn deliver(dependencies: &Dependencies, received: &Received<'_>) -> Fate {
    let started_at = storehook_aws::now();
    let attempted = attempt::make(dependencies, received, started_at).await;
    let ended_at = storehook_aws::now();
    let fate = match &attempted {
        Ok(Attempt { outcome: Outcome::Delivered { .. }, .. }) => Fate::Done,
        Err(NoAttempt::Cancelled | NoAttempt::Held(_)) => Fate::Done,
        Err(NoAttempt::Exhausted) => Fate::Again(Next::Exhausted(Duration::ZERO)),
        Ok(Attempt { outcome: Outcome::Failed(_), .. })
        | Err(NoAttempt::Target(_) | NoAttempt::Request(_)) => {
            let age = age_of(&received.delivery, ended_at);
            Fate::Again(dependencies.settings.schedule.next(age, fastrand::f64()))
        }
    };
    log::write(&log::Entry { received, started_at, ended_at, attempted: &attempted, fate });
    fate
}

/// How long ago a delivery was queued. A clock that runs behind the fan-out's makes it new.
fn age_of(delivery: &Delivery<'_>, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(delivery.enqueued_at)).unwrap_or_default()
}

/// Hides a failed message until it is due. If that fails, the queue's own timeout shows it again.
async fn hide(dependencies: &Dependencies, message: &SqsMessage, lane: Lane, next: Next) {
    let queue = match lane {
        Lane::Delivery => &dependencies.settings.delivery_queue,
        Lane::Retry => &dependencies.settings.retry_queue,
    };
    let change = dependencies
        .sqs
        .change_message_visibility()
        .queue_url(&queue.url)
        .set_receipt_handle(message.receipt_handle.clone())
        .visibility_timeout(next.visibility_seconds());
    if let Err(error) = change.send().await {
        let error = storehook_aws::causes(&error);
        tracing::error!(error, message.id = message.message_id, "visibility not set");
    }
}

fn lane_of(settings: &Settings, message: &SqsMessage) -> Lane {
    match message.event_source_arn.as_deref() {
        Some(arn) if arn == settings.retry_queue.arn => Lane::Retry,
        _ => Lane::Delivery,
    }
}

#[cfg(test)]
mod tests;
