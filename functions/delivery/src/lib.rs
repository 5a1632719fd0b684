//! Delivery: from SQS messages to signed POSTs.
//!
//! Each message is one delivery, and each receive of it is at most one attempt. What all messages of a batch
//! need is loaded at once. Then they are worked on at the same time, and each ends in one of four ways
//! ([`Disposition`]):
//!
//! * **Ack.** The endpoint took the delivery, now or before; or nobody is there to deliver to any more; or
//!   another message makes the attempts; or the webhook is paused or disabled and the delivery is held, with
//!   its payload, in the history. SQS deletes the message.
//! * **Delay.** An integration endpoint asked for the delivery later. That is no failure and must not use up
//!   receives: a copy of the message is sent with the delay, and this one is done.
//! * **Retry.** The attempt failed. The message's visibility is set to the schedule's wait, and the message is
//!   named in `batchItemFailures`, so that SQS shows it again then. The queue's `maxReceiveCount` moves it to
//!   the retry queue, and from there to the dead-letter queue. This function never sleeps, and never sends a
//!   failure anywhere.
//! * **Exhausted.** The delivery is past its schedule, or the message is no delivery. It fails without an
//!   attempt each time that it comes, until SQS moves it.
//!
//! What can go wrong:
//!
//! * The registry cannot be read: the message fails, without an attempt, by the same schedule.
//! * The visibility cannot be set: the message comes again after the queue's own timeout.
//! * The process dies in the middle of a batch: all its messages come again, and a delayed one may by then
//!   have been sent on as well.
//! * The code panics over a message: that message fails alone.
//!
//! Nothing is lost. An endpoint may see a delivery twice, and knows it by its id.

mod after;
mod attempt;
mod dependencies;
mod log;
mod lookup;
mod message;
mod sender;
mod settings;
mod skipped;

use std::{panic::AssertUnwindSafe, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use bytes::Bytes;
use futures::{FutureExt as _, future};
use storehook_domain::{
    delivery::{
        disposition::Disposition,
        lane::Lane,
        message::{DeliveryMessage, InvalidDeliveryMessage},
    },
    history::decision::disposition,
};

pub use dependencies::Dependencies;
pub use sender::{INTEGRATION_TIMEOUT, Sender, SenderError, Sent};
pub use settings::{QueueAddress, Settings};

use crate::{after::queues::Reported, lookup::found::Found, message::Received, skipped::Skipped};

/// Works on a batch of messages. The response names those that are to come again.
pub async fn handle(dependencies: &Dependencies, batch: SqsEvent) -> SqsBatchResponse {
    let messages: Vec<_> = batch.records.into_iter().map(with_body).collect();
    let (mut received, mut malformed) = (Vec::new(), Vec::new());
    for (sqs, body) in &messages {
        let lane = dependencies.queues.lane_of(sqs);
        match DeliveryMessage::parse(body) {
            Ok(message) => received.push(Received { message, sqs, lane, body }),
            Err(error) => malformed.push((sqs, lane, error)),
        }
    }
    let found = dependencies.lookup.load(received).await;
    let delivered = found.into_iter().map(|(received, found)| {
        failed(received.sqs, async move { deliver(dependencies, &received, found).await })
    });
    let rejected = malformed
        .into_iter()
        .map(|(sqs, lane, error)| failed(sqs, async move { reject(dependencies, sqs, lane, &error).await }));
    let (delivered, rejected) = future::join(future::join_all(delivered), future::join_all(rejected)).await;
    let mut response = SqsBatchResponse::default();
    response.set_failures(delivered.into_iter().chain(rejected).flatten());
    response
}

fn with_body(mut message: SqsMessage) -> (SqsMessage, Bytes) {
    let body = Bytes::from(message.body.take().unwrap_or_default());
    (message, body)
}

/// The id of a message whose work reports it as failed, or panics.
async fn failed(sqs: &SqsMessage, work: impl Future<Output = Reported>) -> Option<String> {
    // A message without an id fails its whole batch, which is the safe side.
    let id = sqs.message_id.clone().unwrap_or_default();
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Reported::Done) => None,
        Ok(Reported::Failed) => Some(id),
        Err(_) => {
            tracing::error!(message.id = id, "the code panicked over a message; it comes again");
            Some(id)
        }
    }
}

/// Fails a message that is no delivery, until SQS moves it to the dead letters.
async fn reject(
    dependencies: &Dependencies,
    sqs: &SqsMessage,
    lane: Lane,
    error: &InvalidDeliveryMessage,
) -> Reported {
    tracing::error!(
        error = storehook_aws::causes(error),
        message.id = sqs.message_id,
        "message is no delivery"
    );
    dependencies.queues.hide(sqs, lane, Disposition::Exhausted(Duration::ZERO)).await;
    Reported::Failed
}

/// Attempts the delivery if an attempt is due, decides what becomes of the message, and records it.
async fn deliver(dependencies: &Dependencies, received: &Received<'_>, found: Found) -> Reported {
    let started_at = storehook_aws::now();
    let receipt = attempt::attempt(dependencies, received, found, started_at).await;
    let ended_at = storehook_aws::now();
    let schedule = &dependencies.settings.schedule;
    let (lane, age, jitter) = (received.lane, received.age(ended_at), fastrand::f64());
    let mut decided = match &receipt.attempt {
        Err(skipped) if skipped.ends_message() => Disposition::Ack,
        attempt => {
            let outcome = attempt.as_ref().ok().map(|attempt| &attempt.outcome);
            disposition(receipt.admission, outcome, schedule, lane, age, ended_at, jitter)
        }
    };
    // A message whose delivery could not be held must not end.
    if matches!(receipt.attempt, Err(Skipped::Held(_)))
        && !dependencies.history.hold(received, receipt.history.record(), ended_at).await
    {
        decided = schedule.next(lane, age, None, jitter);
    }
    log::write(&log::Entry { received, started_at, ended_at, receipt: &receipt, disposition: decided });
    // None waits for another, so that what follows an attempt takes no longer than two calls may.
    let reported = dependencies.queues.apply(decided, received, receipt.history.known());
    let known = receipt.history.record();
    let recorded = dependencies.history.record(received, &receipt.attempt, known, decided, ended_at);
    let counted = async {
        if let (Ok(attempt), Some(target)) = (&receipt.attempt, &receipt.target) {
            dependencies.health.record(&received.message, attempt, target, ended_at).await;
        }
    };
    future::join3(reported, recorded, counted).await.0
}

#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;
