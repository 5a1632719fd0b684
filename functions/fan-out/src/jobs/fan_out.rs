//! A step of a share of a large fan-out: the deliveries of an event to the webhooks of a range that
//! are not done.
//!
//! The webhooks are looked up anew. The event's payload was written by the invocation that read the
//! record, and malformed webhooks were reported with it.
//!
//! Batches are sent several at a time, in the order of the webhooks' ids. When one is not sent, or
//! time is up, no further batch begins. The step then notes which webhooks are done, batch by batch
//! and message by message, and queues the next step for the others. So no step sends again what an
//! earlier one sent, with two exceptions: a step that dies before it is noted, and a call that
//! failed although SQS took its messages. A step after which no more webhooks are done than before
//! fails, and comes again after a wait.
//!
//! Webhooks whose messages SQS refuses for good go to the rejected queue, as a share of their own
//! with the reason. That happens before the step is noted, so they are not lost.
//!
//! Sending stops early enough that three calls can follow it, each with all its retries. If one of
//! them fails, the message comes again. From the note on that costs nothing: what was sent is not
//! sent again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use storehook_aws::{CALL_TIMEOUT, metrics::Metric, table::Contended};
use storehook_domain::{
    delivery::fan_out::{self, QueueEntry},
    event::{StoreEvent, origin::RecordOrigin},
    installation::message_group::MessageGroup,
    job::{
        fan_out::{FanOutShare, marked, record::ShareRecord},
        message::Job,
        turn::Turn,
    },
    webhook::WebhookId,
};

use crate::{
    dependencies::Dependencies,
    events::{history, progress::Progress},
    jobs::JobError,
    queue::NotSent,
    times::Times,
};

/// How many batches are sent at the same time.
const SENDS: usize = 8;

/// The time for what follows the last batch: rejecting, noting and queueing.
pub(crate) const ENDING: Duration = CALL_TIMEOUT.saturating_mul(3);

/// How long the next step waits after a batch that SQS did not take.
const PAUSE: Duration = Duration::from_secs(10);

/// What became of a step's messages, by their index.
#[derive(Default)]
struct Sent {
    /// Those that SQS took or refused for good.
    done: BTreeSet<usize>,
    /// Those that SQS refused for good, and why.
    refused: BTreeMap<usize, String>,
    /// Whether SQS failed to take one of the others.
    has_failed: bool,
}

impl Dependencies {
    /// Makes a step that came as this SQS message, and queues the next one, if any.
    pub(super) async fn make_share_step(
        &self,
        step: &FanOutShare,
        message_id: &str,
        times: Times,
    ) -> Result<(), JobError> {
        // The record has an id and a time of its own.
        let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: Timestamp::UNIX_EPOCH };
        let event = StoreEvent::parse(step.record.get().as_bytes(), &origin)?;
        let group = MessageGroup::of_shop(&event.shop);
        let mut record = self.history.load_share(step, times.now).await?;
        if ShareRecord::turn(record.as_ref(), step, message_id) == Turn::Make {
            let made = self.send_share(step, event, message_id, times).await?;
            let noted = self.history.note_share(step, made, (times.clock)()).await?;
            record = Some(noted.ok_or(Contended)?);
        }
        if ShareRecord::turn(record.as_ref(), step, message_id) == Turn::QueueNext
            && let Some((next, pause)) = record.and_then(|record| record.next_step(step))
        {
            self.jobs_queue.send(&Job::FanOut(next), &group, pause).await?;
        }
        Ok(())
    }

    /// Sends the deliveries of a step, or those for which there is time. Returns what is to be noted
    /// of it.
    async fn send_share(
        &self,
        step: &FanOutShare,
        event: StoreEvent<'_>,
        message_id: &str,
        times: Times,
    ) -> Result<ShareRecord, JobError> {
        let sending = times.ending_before(ENDING);
        let events = vec![(0, event)];
        let mut progress = Progress::default();
        let mut subscribed = self.subscribers.find(events, step.rest(), sending, &mut progress).await;
        history::mark(&self.history, &mut subscribed);
        let Some(subscribed) = subscribed.first() else { return Err(JobError::Unfinished) };
        let mut subscribers: Vec<_> = subscribed.subscribers().collect();
        subscribers.sort_by_key(|subscriber| subscriber.webhook_id);
        let left =
            subscribers.iter().enumerate().filter(|(_, subscriber)| !step.is_done(subscriber.webhook_id));
        let messages = left.flat_map(|(index, subscriber)| {
            let kept = subscribed.kept.as_ref();
            fan_out::deliveries(&subscribed.event, kept, [*subscriber], times.now)
                .map(move |message| QueueEntry::of(index, &message))
        });
        let Sent { done, refused, has_failed } = self.send_in_order(messages, sending).await;
        let ids = || subscribers.iter().map(|subscriber| subscriber.webhook_id).enumerate();
        let webhooks: Vec<_> =
            ids().map(|(index, id)| (id, done.contains(&index) || step.is_done(id))).collect();
        if done.is_empty() && webhooks.iter().any(|(_, is_done)| !is_done) {
            return Err(JobError::Unfinished);
        }
        if let Some(reason) = refused.values().next() {
            let refused = ids().map(|(index, id)| (id, refused.contains_key(&index)));
            self.reject(step, refused, message_id, reason).await?;
        }
        let pause = if has_failed { PAUSE } else { Duration::ZERO };
        Ok(ShareRecord::after_step(step, message_id, &webhooks, pause, (times.clock)()))
    }

    /// Sends the refused ones of these webhooks to the rejected queue. Those that follow each other
    /// are in one message.
    async fn reject(
        &self,
        step: &FanOutShare,
        webhooks: impl Iterator<Item = (WebhookId, bool)>,
        message_id: &str,
        reason: &str,
    ) -> Result<(), JobError> {
        let rejections = marked(webhooks).into_iter().map(|range| {
            let webhooks = (range.from.get(), range.to.get());
            tracing::warn!(
                job.rejected = reason,
                share.from = webhooks.0,
                share.to = webhooks.1,
                "share rejected"
            );
            let share = step.refused(range, message_id, reason.to_owned());
            async move {
                self.rejected_queue.send(Job::FanOut(share).to_message()).await?;
                self.meter.count(Metric::Rejected, 1);
                Ok::<_, NotSent>(())
            }
        });
        Ok(stream::iter(rejections).map(Ok).try_for_each_concurrent(SENDS, |sent| sent).await?)
    }

    /// Sends messages in batches, in their order, until one fails or time is up.
    async fn send_in_order(&self, messages: impl Iterator<Item = QueueEntry>, times: Times) -> Sent {
        let is_stopped = &AtomicBool::new(false);
        let batches = fan_out::batches(messages).take_while(|_| !is_stopped.load(Ordering::Relaxed));
        let mut sends = stream::iter(batches)
            .map(|batch| async move {
                let indexes: Vec<_> = batch.iter().map(|message| message.record).collect();
                if times.are_up() {
                    let untried = |message| (message, NotSent::OutOfTime);
                    return (indexes, batch.into_iter().map(untried).collect());
                }
                (indexes, self.delivery_queue.send_batch(batch, times).await)
            })
            .buffered(SENDS);
        let mut sent = Sent::default();
        while let Some((indexes, failures)) = sends.next().await {
            sent.done.extend(indexes);
            for (message, failure) in failures {
                let reason = storehook_aws::causes(&failure);
                if failure.is_for_good() {
                    sent.refused.insert(message.record, reason);
                    continue;
                }
                sent.done.remove(&message.record);
                is_stopped.store(true, Ordering::Relaxed);
                if !matches!(failure, NotSent::OutOfTime) {
                    tracing::error!(error = reason, "delivery of a share not queued");
                    sent.has_failed = true;
                }
            }
        }
        sent
    }
}
