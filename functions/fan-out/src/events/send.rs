//! Sending deliveries to the queue, several batches at the same time.
//!
//! The work is shared between [`SENDERS`] senders. All deliveries of a webhook belong to one
//! sender, and a sender sends one batch after the other. So each webhook's deliveries keep their
//! order.

use futures::future;
use storehook_domain::delivery::fan_out::{self, QueueEntry};

use crate::{
    events::{progress::Progress, subscribers::Subscribed},
    queue::{DeliveryQueue, NotSent},
    times::Times,
};

/// How many senders there are.
const SENDERS: u64 = 8;

/// Sends the deliveries of all events.
pub(crate) async fn send(
    queue: &DeliveryQueue,
    subscribed: &[Subscribed<'_>],
    times: Times,
    progress: &mut Progress,
) {
    let senders = (0..SENDERS).map(|sender| send_share(queue, subscribed, sender, times));
    for (message, failure) in future::join_all(senders).await.into_iter().flatten() {
        let reason = storehook_aws::causes(&failure);
        if failure.is_for_good() {
            progress.reject(message.record, reason);
        } else {
            tracing::error!(error = reason, message.group = message.group.as_str(), "delivery not queued");
            progress.fail(message.record);
        }
    }
}

/// Sends one sender's share, batch after batch. It stops when time is up, or after a batch that SQS
/// did not take: the records of the rest come again.
async fn send_share(
    queue: &DeliveryQueue,
    subscribed: &[Subscribed<'_>],
    sender: u64,
    times: Times,
) -> Vec<(QueueEntry, NotSent)> {
    let messages = subscribed.iter().flat_map(|subscribed| {
        let of_sender = subscribed
            .subscribers()
            .filter(|subscriber| fan_out::sender_of(subscriber.webhook_id, SENDERS) == sender);
        let kept = subscribed.kept.as_ref();
        fan_out::deliveries(&subscribed.event, kept, of_sender, times.now)
            .map(|delivery| QueueEntry::of(subscribed.index, &delivery))
    });
    let mut failures = Vec::new();
    for batch in fan_out::batches(messages) {
        if times.are_up() {
            failures.extend(batch.into_iter().next().map(|message| (message, NotSent::OutOfTime)));
            break;
        }
        failures.extend(queue.send_batch(batch, times).await);
        if failures.iter().any(|(_, failure)| !failure.is_for_good()) {
            break;
        }
    }
    failures
}
