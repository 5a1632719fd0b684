//! Sharing out an event that has more webhooks than one invocation can send to.
//!
//! The webhooks are split into shares, and each share becomes a job. This invocation then sends
//! nothing of the event itself. So the record is done when all its jobs are queued. If SQS is slow
//! with another event of the batch, the jobs are not queued again. If the same record is read again,
//! they are, under the same ids: a share that is done is not sent again.
//!
//! `app/uninstalled` is never shared out: it ends the app once its deliveries are queued, and they
//! go to the webhooks of one app.
//!
//! A record that holds many events may have too many deliveries for one invocation together. Then
//! each of its events is shared out.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use storehook_aws::{jobs::JobQueue, queue::SendError};
use storehook_domain::{
    event::{catalogue::APP_UNINSTALLED, origin::RecordOrigin},
    installation::message_group::MessageGroup,
    job::{
        fan_out::{FanOutShare, Range, SMALLEST_SHARE, shares},
        message::Job,
    },
};

use crate::{
    events::{entries::Entry, progress::Progress, subscribers::Subscribed},
    queue::NotSent,
    times::Times,
};

/// How many jobs are sent at the same time.
const SENDS: usize = 8;

/// The most deliveries of one record that one invocation sends, if they are of several events. Even
/// one after the other, their batches take half a minute.
const RECORD_DELIVERIES: usize = 20_000;

/// What a message has besides its payload, in bytes, about.
const ENVELOPE: usize = 400;

/// Queues a job for each share of each wide event, in the order of their records. It stops at the
/// first record whose jobs are not all queued: that one comes again, and so do those after it. If
/// SQS refuses an event's job for good, the record is rejected, as with a single message.
pub(crate) async fn queue(
    jobs: &JobQueue,
    entries: &[Entry<'_>],
    subscribed: &mut [Subscribed<'_>],
    times: Times,
    progress: &mut Progress,
) {
    let mut of_records: BTreeMap<usize, usize> = BTreeMap::new();
    for event in subscribed.iter() {
        *of_records.entry(progress.record_of(event.index)).or_default() += event.subscribers().count();
    }
    let may_be_shared = |event: &Subscribed<'_>| event.event.topic.as_str() != APP_UNINSTALLED;
    for wide in subscribed.iter_mut().filter(|event| may_be_shared(event)) {
        let of_record = of_records.get(&progress.record_of(wide.index)).copied().unwrap_or_default();
        let is_of_busy_record = of_record > RECORD_DELIVERIES;
        // Most events have few webhooks, and nothing is worked out for them.
        if !is_of_busy_record && wide.subscribers().nth(SMALLEST_SHARE).is_none() {
            continue;
        }
        let ids = wide.subscribers().map(|subscriber| subscriber.webhook_id).collect();
        let ranges = shares(ids, wide.event.payload.size_in_message() + ENVELOPE);
        if ranges.len() < if is_of_busy_record { 1 } else { 2 } {
            continue;
        }
        wide.is_shared_out = true;
        let Some(origin) = entries.get(wide.index).map(Entry::origin) else { continue };
        if let Err(error) = queue_jobs(jobs, wide, &origin, &ranges, times).await {
            let reason = storehook_aws::causes(&error);
            if error.is_for_good() {
                progress.reject(wide.index, reason);
                continue;
            }
            tracing::error!(error = reason, event.id = %wide.event.id, "share not queued");
            progress.fail(wide.index);
            return;
        }
        tracing::info!(event.id = %wide.event.id, event.shares = ranges.len(), "event shared out");
    }
}

/// Queues a job for each of these ranges.
async fn queue_jobs(
    jobs: &JobQueue,
    wide: &Subscribed<'_>,
    origin: &RecordOrigin<'_>,
    ranges: &[Range],
    times: Times,
) -> Result<(), NotSent> {
    let (record, group) = (wide.event.to_record(), MessageGroup::of_shop(&wide.event.shop));
    let sends = ranges.iter().map(|range| {
        let job = Job::FanOut(FanOutShare::begin(origin, record.clone(), *range));
        let group = &group;
        async move {
            if times.are_up() {
                return Err(NotSent::OutOfTime);
            }
            Ok(jobs.send(&job, group, Duration::ZERO).await.map_err(SendError::from)?)
        }
    });
    stream::iter(sends).buffer_unordered(SENDS).try_collect().await
}
