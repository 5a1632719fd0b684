//! Delivery: from SQS messages to signed POSTs.
//!
//! Each message is one delivery, and each receive of it is at most one attempt. All
//! messages of a batch are worked on at the same time, and each has its own end:
//!
//! * **Delivered, now or before, or nobody to deliver to any more, or the business of another
//!   message** – the message is done, and SQS deletes it.
//! * **Held**, because its webhook takes nothing now – it is done as well, once all that a replay needs is
//!   in the history.
//! * **Delayed** – an integration endpoint wants it later, which is no failure and must not
//!   use up receives. A copy of the message is sent with that delay, and this one is done.
//! * **Failed** – its visibility is set to the schedule's wait and it is named in
//!   `batchItemFailures`, so that SQS shows it again then. The queue's `maxReceiveCount`
//!   moves it to the retry queue, and from there to the dead-letter queue. This function
//!   never sleeps, and never sends a failure anywhere.
//! * **Past its schedule, or no delivery at all** – it is named as failed with no wait
//!   and no attempt, again and again, until SQS moves it.
//!
//! What can go wrong: the registry cannot be read (the message fails, without an
//! attempt, by the same schedule); the visibility cannot be set (the message comes
//! again after the queue's own timeout); the process dies in the middle of a batch (the
//! same, for all of them, and a delay may by then have been sent on as well as kept); one
//! message makes the code panic (it fails alone). Nothing is lost; an endpoint may see a delivery twice, and
//! knows it by its id.

mod after;
mod attempt;
mod log;
mod lookup;
mod sender;
mod settings;

use std::{panic::AssertUnwindSafe, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use bytes::Bytes;
use futures::{FutureExt as _, future};
use jiff::Timestamp;
use storehook_aws::{CALL_TIMEOUT, history::HistoryTable};
use storehook_domain::delivery::{
    message::DeliveryMessage,
    outcome::Outcome,
    schedule::{Lane, Next},
};

pub use sender::{INTEGRATION_TIMEOUT, SenderError};
pub use settings::{QueueAddress, Settings};

use crate::{
    after::{health::Records, history::History},
    attempt::{Attempt, Attempted, NoAttempt},
    lookup::Targets,
    sender::Sender,
};

/// What every invocation needs: made once for each execution environment.
pub struct Dependencies {
    targets: Targets,
    records: Records,
    history: History,
    sender: Sender,
    sqs: aws_sdk_sqs::Client,
    settings: Settings,
}

impl Dependencies {
    /// Sets the function up on an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Result<Self, SenderError> {
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        let registry_table = settings.registry_table.clone();
        let history = History(HistoryTable {
            client: dynamodb.clone(),
            name: settings.history_table.clone(),
            retention: settings.retention,
        });
        let history_table = history.is_on().then(|| settings.history_table.clone());
        Ok(Self {
            targets: Targets::new(dynamodb.clone(), registry_table.clone(), history_table),
            records: Records {
                dynamodb,
                kinesis: aws_sdk_kinesis::Client::new(sdk),
                registry_table,
                stream: settings.stream_name.clone(),
            },
            history,
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
            Ok(Fate::Done | Fate::Later(_)) => None,
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
    delivery: DeliveryMessage<'a>,
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
    /// A copy of it comes after a wait, and SQS deletes this one.
    Later(Duration),
    /// It comes again after a wait.
    Again(Next),
}

/// Works on one message, and sees to it that it comes again if it is to.
async fn handle_message(dependencies: &Dependencies, mut message: SqsMessage) -> Fate {
    let body = Bytes::from(message.body.take().unwrap_or_default());
    let lane = lane_of(&dependencies.settings, &message);
    match DeliveryMessage::parse(&body) {
        Ok(delivery) => {
            deliver(dependencies, &Received { delivery, message: &message, lane, body: &body }).await
        }
        Err(error) => {
            let error = storehook_aws::causes(&error);
            tracing::error!(error, message.id = message.message_id, "message is no delivery");
            let next = Next::Exhausted(Duration::ZERO);
            after::queues::hide(dependencies, &message, lane, next).await;
            Fate::Again(next)
        }
    }
}

/// Makes an attempt if one is due, decides what follows, and records what it came to.
async fn deliver(dependencies: &Dependencies, received: &Received<'_>) -> Fate {
    let started_at = storehook_aws::now();
    let Attempted { result: attempted, history } = attempt::make(dependencies, received, started_at).await;
    let ended_at = storehook_aws::now();
    let (delivery, known) = (&received.delivery, history.as_ref());
    let mut fate = fate_of(dependencies, received, &attempted, ended_at);
    if matches!(attempted, Err(NoAttempt::Held(_)))
        && !dependencies.history.hold(delivery, known, ended_at).await
    {
        fate = after_failure(dependencies, age_of(delivery, ended_at), None);
    }
    log::write(&log::Entry { received, started_at, ended_at, attempted: &attempted, fate });
    // None waits for another, so that what follows an attempt takes no longer than two calls may.
    let applied = after::queues::apply(dependencies, fate, received);
    let kept = dependencies.history.keep(delivery, known, &attempted, fate, ended_at);
    let recorded = record(dependencies, received, &attempted, ended_at);
    future::join3(applied, kept, recorded).await.0
}

fn fate_of(
    dependencies: &Dependencies,
    received: &Received<'_>,
    attempted: &Result<Attempt, NoAttempt>,
    now: Timestamp,
) -> Fate {
    let age = age_of(&received.delivery, now);
    match attempted {
        Ok(Attempt { outcome: Outcome::Delivered, .. }) => Fate::Done,
        Ok(Attempt { outcome: Outcome::Delayed(wait), .. }) => {
            match dependencies.settings.schedule.delay(age, *wait) {
                Next::Attempt(wait) => Fate::Later(wait),
                exhausted @ Next::Exhausted(_) => Fate::Again(exhausted),
            }
        }
        Ok(Attempt { outcome: Outcome::Failed { retry_after, .. }, .. }) => {
            after_failure(dependencies, age, *retry_after)
        }
        Err(NoAttempt::Duplicate | NoAttempt::Superseded | NoAttempt::Cancelled | NoAttempt::Held(_)) => {
            Fate::Done
        }
        Err(NoAttempt::Exhausted) => Fate::Again(Next::Exhausted(Duration::ZERO)),
        Err(NoAttempt::Target(_) | NoAttempt::Request { .. }) => after_failure(dependencies, age, None),
    }
}

fn after_failure(dependencies: &Dependencies, age: Duration, retry_after: Option<Duration>) -> Fate {
    Fate::Again(dependencies.settings.schedule.next(age, retry_after, fastrand::f64()))
}

/// Writes what an attempt leaves behind in the registry, or tells the log that it could not.
async fn record(
    dependencies: &Dependencies,
    received: &Received<'_>,
    attempted: &Result<Attempt, NoAttempt>,
    now: Timestamp,
) {
    let Ok(attempt) = attempted else { return };
    let records = dependencies.records.of(attempt, now);
    let error = match tokio::time::timeout(CALL_TIMEOUT, records).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => storehook_aws::causes(&error),
        Err(elapsed) => elapsed.to_string(),
    };
    tracing::error!(delivery.id = received.delivery.id(), error, "attempt not recorded");
}

/// How long ago a delivery was queued. A clock that runs behind the fan-out's makes it new.
fn age_of(delivery: &DeliveryMessage<'_>, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(delivery.enqueued_at)).unwrap_or_default()
}

fn lane_of(settings: &Settings, message: &SqsMessage) -> Lane {
    match message.event_source_arn.as_deref() {
        Some(arn) if arn == settings.retry_queue.arn => Lane::Slow,
        _ => Lane::Fast,
    }
}

#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;
