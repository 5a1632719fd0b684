//! Lanes: deliveries on their way to the queue, several batches at the same time, each
//! webhook's in their order.

use futures::future;
use storehook_domain::delivery::fan_out::{self, QueueEntry};

use crate::{
    events::{
        progress::Progress,
        queue::{NotSent, Queue},
        subscribers::Subscribed,
    },
    times::Times,
};

/// How many batches are on their way to SQS at the same time.
const LANES: u64 = 8;

/// Sends every event's deliveries.
pub(crate) async fn send(
    queue: &Queue,
    subscribed: &[Subscribed<'_>],
    times: Times,
    progress: &mut Progress,
) {
    let lanes = (0..LANES).map(|lane| send_lane(queue, subscribed, lane, times));
    for (message, failure) in future::join_all(lanes).await.into_iter().flatten() {
        let reason = storehook_aws::causes(&failure);
        if failure.is_for_good() {
            progress.reject(message.record, reason);
        } else {
            tracing::error!(error = reason, webhook.id = %message.webhook_id, "delivery not queued");
            progress.fail(message.record);
        }
    }
}

/// Sends one lane's deliveries, batch after batch. After a batch that SQS would not take, or when
/// time is up, the rest of the lane is left: its records come again.
async fn send_lane(
    queue: &Queue,
    subscribed: &[Subscribed<'_>],
    lane: u64,
    times: Times,
) -> Vec<(QueueEntry, NotSent)> {
    let messages = subscribed.iter().flat_map(|subscribed| {
        let of_lane = subscribed
            .subscribers()
            .filter(|subscriber| fan_out::lane_of(subscriber.webhook_id, LANES) == lane);
        let digest = subscribed.payload_digest.as_ref();
        fan_out::deliveries(&subscribed.event, digest, of_lane, subscribed.queued_at(times)).map(|delivery| {
            QueueEntry {
                record: subscribed.index,
                webhook_id: delivery.envelope.id.webhook_id,
                body: delivery.to_message(),
            }
        })
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
