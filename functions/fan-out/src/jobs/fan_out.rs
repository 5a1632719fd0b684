//! A share of a large fan-out: the deliveries of an event to the webhooks of a range.
//!
//! The webhooks of the range are looked up anew. The event's payload was written by the invocation
//! that read the record.
//!
//! Batches are sent several at a time, in the order of the webhooks' ids. If one is not sent, or
//! time is up, the step queues a job for the rest of the range and is done: the next step begins at
//! the first webhook of that batch. So a slow SQS never makes a share begin anew. Only the few
//! batches that were sent at the same time as the failed one may be sent again. A step that sent
//! nothing fails and comes again, after a wait.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use storehook_domain::{
    delivery::fan_out::{self, QueueEntry},
    event::{StoreEvent, origin::RecordOrigin},
    installation::message_group::MessageGroup,
    job::{
        fan_out::{FanOutShare, Range},
        message::Job,
    },
};

use crate::{
    dependencies::Dependencies,
    events::{history, progress::Progress, subscribers::Subscribed},
    jobs::JobError,
    queue::NotSent,
    times::Times,
};

/// How many batches are sent at the same time.
const SENDS: usize = 8;

/// How long the rest of a share waits after a batch that SQS did not take.
const REST_WAITS: Duration = Duration::from_secs(10);

/// Why a share is not sent whole: from which of its webhooks on, and after which wait the rest may
/// be tried.
struct Rest {
    first: usize,
    wait: Duration,
}

impl Dependencies {
    /// Sends the deliveries of a share, or those for which there is time.
    pub(super) async fn send_share(&self, share: &FanOutShare, times: Times) -> Result<(), JobError> {
        // The record has an id and a time of its own.
        let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: Timestamp::UNIX_EPOCH };
        let event = StoreEvent::parse(share.record.get().as_bytes(), &origin)?;
        let group = MessageGroup::of_shop(&event.shop);
        let mut progress = Progress::default();
        let events = vec![(0, event)];
        let mut subscribed = self.subscribers.find(events, share.range, times, &mut progress).await;
        history::mark(&self.history, &mut subscribed);
        let Some(subscribed) = subscribed.first() else { return Err(JobError::Unfinished) };
        let mut subscribers: Vec<_> = subscribed.subscribers().collect();
        subscribers.sort_by_key(|subscriber| subscriber.webhook_id);
        let messages = subscribers.iter().enumerate().flat_map(|(index, subscriber)| {
            let digest = subscribed.payload_digest.as_ref();
            fan_out::deliveries(&subscribed.event, digest, [*subscriber], times.now)
                .map(move |message| QueueEntry::of(index, &message))
        });
        let rest = self.send_in_order(messages, times, &mut progress).await;
        if let Some(reason) = progress.rejected().values().next() {
            let Subscribed { event, .. } = subscribed;
            tracing::warn!(job.rejected = reason, event.shop = %event.shop, "share rejected");
            let job = Job::FanOut(share.clone()).to_message();
            self.rejected_queue.send(job).await?;
        }
        match rest {
            None => Ok(()),
            Some(Rest { first: 0, .. }) => Err(JobError::Unfinished),
            Some(Rest { first, wait }) => {
                let from =
                    subscribers.get(first).map_or(share.range.from, |subscriber| subscriber.webhook_id);
                let range = Range { from, ..share.range };
                let job = Job::FanOut(FanOutShare { range, ..share.clone() });
                Ok(self.jobs_queue.send(&job, &group, wait).await?)
            }
        }
    }

    /// Sends messages in batches, in their order. Returns where it stopped, if it did.
    async fn send_in_order(
        &self,
        messages: impl Iterator<Item = QueueEntry>,
        times: Times,
        progress: &mut Progress,
    ) -> Option<Rest> {
        let is_stopped = &AtomicBool::new(false);
        let batches = fan_out::batches(messages).take_while(|_| !is_stopped.load(Ordering::Relaxed));
        let mut sends = stream::iter(batches)
            .map(|batch| async move {
                let first = batch.first().map_or(0, |message| message.record);
                if times.are_up() {
                    return (first, vec![NotSent::OutOfTime]);
                }
                let failures = self.delivery_queue.send_batch(batch, times).await;
                (first, failures.into_iter().map(|(_, failure)| failure).collect())
            })
            .buffered(SENDS);
        let mut rest = None;
        while let Some((first, failures)) = sends.next().await {
            for failure in failures {
                let reason = storehook_aws::causes(&failure);
                if failure.is_for_good() {
                    progress.reject(0, reason);
                    continue;
                }
                tracing::error!(error = reason, "batch of a share not queued");
                is_stopped.store(true, Ordering::Relaxed);
                let is_late = matches!(failure, NotSent::OutOfTime);
                let wait = if is_late { Duration::ZERO } else { REST_WAITS };
                rest.get_or_insert(Rest { first, wait });
            }
        }
        rest
    }
}
