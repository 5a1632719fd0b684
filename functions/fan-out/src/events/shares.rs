//! Sharing an event out that has more webhooks than one invocation sends to.
//!
//! This invocation keeps the first share of the webhooks, and a job takes each of the others. The
//! record is done when all its jobs are queued. An event of one app is never shared out:
//! `app/uninstalled` ends the app once its deliveries are queued.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use storehook_aws::jobs::JobQueue;
use storehook_domain::job::{
    fan_out::{FanOutShare, shares},
    message::Job,
};

use crate::{
    events::{progress::Progress, subscribers::Subscribed},
    times::Times,
};

/// How many jobs are sent at the same time.
const SENDS: usize = 8;

/// What a message has besides its payload, in bytes, about.
const ENVELOPE: usize = 400;

/// Queues a job for each share but the first of each event.
pub(crate) async fn queue(
    jobs: &JobQueue,
    subscribed: &mut [Subscribed<'_>],
    times: Times,
    progress: &mut Progress,
) {
    for wide in subscribed.iter_mut().filter(|subscribed| subscribed.event.app.is_none()) {
        let ids = wide.subscribers().map(|subscriber| subscriber.webhook_id).collect();
        let ranges = shares(ids, wide.event.payload.in_message().len() + ENVELOPE);
        let Some((first, others @ [_, ..])) = ranges.split_first() else { continue };
        let (record, queued_at) = (wide.event.to_record(), wide.queued_at(times));
        let sent = stream::iter(others)
            .map(|range| {
                let share = FanOutShare { record: record.clone(), range: *range, queued_at };
                async move { jobs.send(&Job::FanOut(share), Duration::ZERO).await }
            })
            .buffer_unordered(SENDS)
            .collect::<Vec<_>>()
            .await;
        tracing::info!(event.id = %wide.event.id, event.shares = ranges.len(), "event shared out");
        wide.share = Some(*first);
        if let Some(error) = sent.into_iter().find_map(Result::err) {
            tracing::error!(error = storehook_aws::causes(&error), "share not queued");
            progress.fail(wide.index);
        }
    }
}
