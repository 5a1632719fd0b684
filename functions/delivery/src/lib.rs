//! Delivery: from SQS messages to signed POSTs.
//!
//! Each message is one delivery, and each receive makes at most one attempt. Everything that the
//! messages of a batch need is loaded in one step. Then the function works on all messages at the
//! same time, and each gets one of five dispositions ([`Disposition`]):
//!
//! * **Ack.** SQS deletes the message. The endpoint took the delivery, now or before; or the
//!   webhook or the app is gone; or another message makes the attempts.
//! * **Hold.** SQS deletes the message, once the history holds the delivery with its payload: the
//!   webhook is paused or disabled, or its endpoint is failing.
//! * **Delay.** An integration endpoint asked for the delivery later. That is not a failure and
//!   must not use up receives. So the function sends a copy of the message with the delay, and SQS
//!   deletes this message. So does a message that finds its endpoint's host crowded.
//! * **Retry.** The attempt failed. The function sets the message's visibility to the schedule's
//!   wait and names the message in `batchItemFailures`, so SQS shows it again after the wait. SQS
//!   moves the message to the retry queue, and from there to the dead-letter queue, by
//!   `maxReceiveCount`. The function never sleeps, and never sends a failure anywhere.
//! * **Exhausted.** The delivery is past its schedule, or the message is not a delivery. The
//!   message fails without an attempt each time it comes, until SQS moves it.
//!
//! What can go wrong:
//!
//! * The registry cannot be read: the message fails without an attempt, and comes again by the same
//!   schedule.
//! * The visibility cannot be set: the message comes again after the queue's own timeout.
//! * The process dies in the middle of a batch: all its messages come again. If the copy of a
//!   delayed one was sent already, both come.
//! * The code panics over a message: that message fails alone.
//!
//! No delivery is lost. An endpoint may see a delivery twice, and can recognise it by its id.

mod after;
mod attempt;
mod dependencies;
mod log;
mod lookup;
mod message;
mod sender;
mod settings;
mod skipped;
mod transport;

use std::{collections::HashSet, panic::AssertUnwindSafe, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use bytes::Bytes;
use futures::{FutureExt as _, future};
use jiff::Timestamp;
use storehook_domain::{
    delivery::{
        disposition::Disposition,
        lane::Lane,
        message::{DeliveryMessage, InvalidDeliveryMessage},
    },
    history::{
        decision::{crowded, disposition},
        held_for::HeldFor,
    },
    job::recovery::hold::{Waiting, is_held_after, waiting_change},
};

pub use dependencies::Dependencies;
pub use sender::{FUNCTION_TIMEOUT, INTEGRATION_TIMEOUT, PLACES, Sender, SenderError, Sent};
pub use settings::{QueueAddress, Settings};
pub use transport::{Script, Scripted};

use crate::{
    after::{health::Counted, queues::Reported},
    attempt::Receipt,
    lookup::found::Found,
    message::Received,
    skipped::Skipped,
};

/// Works on a batch of messages. The response names the messages that must come again.
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
    let (received, copies) = apart(received, dependencies.history.is_on());
    let found = dependencies.lookup.load(received).await;
    let delivered = found.into_iter().map(|(received, found)| {
        failed(received.sqs, async move { deliver(dependencies, &received, found).await })
    });
    let rejected = malformed
        .into_iter()
        .map(|(sqs, lane, error)| failed(sqs, async move { reject(dependencies, sqs, lane, &error).await }));
    let hidden = copies.iter().map(|copy| {
        failed(copy.sqs, async move {
            dependencies.queues.hide(copy.sqs, copy.lane, COPY_WAITS).await;
            Reported::Failed
        })
    });
    let (delivered, rejected, hidden) =
        future::join3(future::join_all(delivered), future::join_all(rejected), future::join_all(hidden))
            .await;
    let mut response = SqsBatchResponse::default();
    response.set_failures(delivered.into_iter().chain(rejected).chain(hidden).flatten());
    response
}

/// How a message waits whose run another message of the same batch attempts: past that attempt and
/// its record.
const COPY_WAITS: Disposition = Disposition::retry(Duration::from_secs(10));

/// The first message of each run in a batch, and the others. No record can tell those apart yet, so
/// each would be sent. They wait until one can; without a history they do not.
fn apart(batch: Vec<Received<'_>>, is_recorded: bool) -> (Vec<Received<'_>>, Vec<Received<'_>>) {
    let mut seen = HashSet::new();
    batch.into_iter().partition(|received| {
        let message = &received.message;
        !is_recorded || seen.insert((message.envelope.id.clone(), message.run.clone()))
    })
}

fn with_body(mut message: SqsMessage) -> (SqsMessage, Bytes) {
    let body = Bytes::from(message.body.take().unwrap_or_default());
    (message, body)
}

/// The id of a message, if the work on it reports a failure or panics.
async fn failed(sqs: &SqsMessage, work: impl Future<Output = Reported>) -> Option<String> {
    // A message without an id fails its whole batch, so nothing is lost.
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

/// Fails a message that is not a delivery, until SQS moves it to the dead letters.
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
    let started_at = (dependencies.clock)();
    let receipt = attempt::attempt(dependencies, received, found, started_at).await;
    let ended_at = (dependencies.clock)();
    let mut decided = decide(dependencies, received, &receipt, ended_at);
    // If the delivery could not be held, its message must not end.
    if decided == Disposition::Hold && !hold(dependencies, received, &receipt, ended_at).await {
        let schedule = &dependencies.settings.schedule;
        decided = schedule.next(received.lane, received.age(ended_at), None, fastrand::f64());
    }
    log::write(&log::Entry { received, started_at, ended_at, receipt: &receipt, disposition: decided });
    // These run at the same time, so together they take no longer than the longest may.
    let reported = dependencies.queues.apply(decided, received, &receipt.history);
    let recorded = async {
        if decided != Disposition::Hold {
            let known = receipt.history.record();
            dependencies.history.record(received, &receipt.attempt, known, decided, ended_at).await;
        }
    };
    let counted = count(dependencies, received, &receipt, decided, ended_at);
    future::join3(reported, recorded, counted).await.0
}

/// What becomes of a message.
fn decide(
    dependencies: &Dependencies,
    received: &Received<'_>,
    receipt: &Receipt,
    now: Timestamp,
) -> Disposition {
    let schedule = &dependencies.settings.schedule;
    let (lane, age, jitter) = (received.lane, received.age(now), fastrand::f64());
    let admission = receipt.admission;
    let attempt = match &receipt.attempt {
        Err(Skipped::Held(_)) => return Disposition::Hold,
        Err(skipped) if skipped.ends_message() => return Disposition::Ack,
        Err(Skipped::Crowded) => return crowded(admission, schedule, age, jitter),
        Err(_) => return disposition(admission, None, schedule, lane, age, now, jitter),
        Ok(attempt) => attempt,
    };
    let decided = disposition(admission, Some(&attempt.outcome), schedule, lane, age, now, jitter);
    let health = receipt.target.as_ref().map(|target| &target.health).filter(|_| dependencies.health.is_on);
    let is_held = health.is_some_and(|health| {
        let rules = &dependencies.health.recovery;
        let waiting = Waiting { all: health.waiting(), is_among: receipt.was_waiting() };
        is_held_after(&received.message, decided, health.recovery.is_some(), waiting, rules)
    });
    if is_held && attempt.failure().is_some() { Disposition::Hold } else { decided }
}

/// Holds a delivery. Returns whether its message may end.
async fn hold(
    dependencies: &Dependencies,
    received: &Received<'_>,
    receipt: &Receipt,
    now: Timestamp,
) -> bool {
    let reason = match receipt.attempt {
        Err(Skipped::Held(reason)) => reason,
        Ok(_) | Err(_) => HeldFor::Failing,
    };
    let known = receipt.history.record();
    if reason == HeldFor::Failing
        && let Some(target) = &receipt.target
    {
        let queued_at = received.message.enqueued_at;
        let created_at = known.map_or(queued_at, |known| known.created_at.min(queued_at));
        if let Err(error) = dependencies.health.recovery_for(target, created_at, now).await {
            let (error, id) = (storehook_aws::causes(&error), &received.message.envelope.id);
            tracing::error!(delivery.id = %id, error, "delivery not held: its recovery has not begun");
            return false;
        }
    }
    dependencies.history.hold(received, receipt.attempt.as_ref().ok(), reason, known, now).await
}

/// Counts the attempt for the webhook, and looks after its recovery.
async fn count(
    dependencies: &Dependencies,
    received: &Received<'_>,
    receipt: &Receipt,
    decided: Disposition,
    now: Timestamp,
) {
    let (health, message) = (&dependencies.health, &received.message);
    let Some(target) = &receipt.target else { return };
    if let Ok(attempt) = &receipt.attempt {
        let waiting = if health.is_on { waiting_change(receipt.was_waiting(), decided) } else { 0 };
        health.record(&Counted { message, attempt, target, waiting, now }).await;
    }
    if let Err(error) = health.restart(target, now).await {
        let error = storehook_aws::causes(&error);
        tracing::error!(webhook.id = %target.webhook.id, error, "recovery not started again");
    }
}

#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;
