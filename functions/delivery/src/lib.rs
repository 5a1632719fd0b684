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
//!   deletes this message. A copy that waits for over a minute goes to the retry queue. So does a message that finds its endpoint's host crowded.
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
//! A call of AWS is a future of several KB, and to move a future is to copy it. So rare work, such as
//! what follows a failure, is boxed where it begins, and so is the work on each message.
//!
//! No delivery is lost. An endpoint may see a delivery twice, and can recognise it by its id.

mod after;
mod attempt;
mod dependencies;
mod log;
mod lookup;
mod message;
mod receive;
mod sender;
mod settings;
mod skipped;
mod tally;
mod transport;

use std::{collections::HashSet, panic::AssertUnwindSafe, pin::Pin, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use bytes::Bytes;
use futures::{FutureExt as _, future};
use storehook_domain::delivery::{
    disposition::Disposition,
    lane::Lane,
    message::{DeliveryMessage, InvalidDeliveryMessage},
};

pub use dependencies::Dependencies;
pub use sender::{FUNCTION_TIMEOUT, INTEGRATION_TIMEOUT, PLACES, Sender, SenderError, Sent};
pub use settings::{QueueAddress, Settings};
pub use transport::{Script, Scripted};

use crate::{after::queues::Reported, message::Received};

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
        let sqs = received.sqs;
        failed(sqs, Box::pin(async move { receive::deliver(dependencies, &received, found).await }))
    });
    let rejected = malformed.into_iter().map(|(sqs, lane, error)| {
        failed(sqs, Box::pin(async move { reject(dependencies, sqs, lane, &error).await }))
    });
    let hidden = copies.iter().map(|copy| {
        let hide = dependencies.queues.hide(copy.sqs, copy.lane, COPY_WAITS);
        failed(copy.sqs, Box::pin(hide.map(|()| Reported::Failed)))
    });
    let (delivered, rejected, hidden) =
        future::join3(future::join_all(delivered), future::join_all(rejected), future::join_all(hidden))
            .await;
    let mut response = SqsBatchResponse::default();
    response.set_failures(delivered.into_iter().chain(rejected).chain(hidden).flatten());
    response
}

/// How a message waits whose run another message of the same batch attempts: past the longest attempt, an
/// integration's, and its record. It matters only if the first message dies.
const COPY_WAITS: Disposition = Disposition::retry(Duration::from_secs(INTEGRATION_TIMEOUT.as_secs() + 10));

/// The first message of each run in a batch, and the others. No record can tell those apart yet, so
/// each would be sent. They wait until one can; without a history they do not.
fn apart(batch: Vec<Received<'_>>, is_recorded: bool) -> (Vec<Received<'_>>, Vec<Received<'_>>) {
    let mut seen = HashSet::new();
    let runs = batch.iter().map(|Received { message, .. }| (&message.envelope.id, &message.run));
    let mut is_first = runs.map(|run| !is_recorded || seen.insert(run)).collect::<Vec<_>>().into_iter();
    batch.into_iter().partition(|_| is_first.next().unwrap_or(true))
}

fn with_body(mut message: SqsMessage) -> (SqsMessage, Bytes) {
    let body = Bytes::from(message.body.take().unwrap_or_default());
    (message, body)
}

/// The id of a message, if the work on it reports a failure or panics.
async fn failed(sqs: &SqsMessage, work: Pin<Box<impl Future<Output = Reported>>>) -> Option<String> {
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

#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;
