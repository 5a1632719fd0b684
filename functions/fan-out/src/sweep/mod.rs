//! The sweep: every five minutes, recoveries whose next step was lost are started again.
//!
//! The next receive for such a webhook would start its recovery as well. But without an event there is
//! no receive, and what is held would stay held. A recovery that waits for a paused webhook has no next
//! step, so the sweep looks at the webhook. If the webhook is active again, the recovery goes on; if it
//! is gone, the recovery ends.
//!
//! A sweep also counts how many breakers are open, and what is queued ([`queued`]).
//!
//! Schedules may fire twice or late ("Schedule types", Amazon EventBridge User Guide). A step that is
//! queued twice is noted once.

pub(crate) mod queued;

use futures::{StreamExt as _, future, stream};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use storehook_aws::{metrics::Metric, queue::QueueError, registry::ListedRecovery, table::TableError};
use storehook_domain::webhook::Status;

use crate::{dependencies::Dependencies, times::Times};

/// How long an entry of the list may be without its recovery. The entry is written first.
const UNBEGUN: SignedDuration = SignedDuration::from_mins(10);

/// How many recoveries are looked at at the same time.
const LOOKS: usize = 16;

/// What the schedule sends: `{"sweep": "recoveries"}`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(tag = "sweep", rename_all = "lowercase")]
pub enum Sweep {
    /// Recoveries are to be looked at.
    Recoveries,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SweepResponse {
    /// How many recoveries there are.
    pub recoveries: u64,
    /// How many of them were started again.
    pub restarted: u64,
    /// How many could not be looked at. The next sweep looks at them.
    pub failed: u64,
}

/// What a look at a recovery came to.
#[derive(Debug, Clone, Copy, Default)]
struct Looked {
    /// Whether its webhook's breaker is open.
    is_open: bool,
    /// Whether it was started again.
    is_restarted: bool,
}

/// Why a recovery was not looked at.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("the step was not queued")]
    Job(#[from] QueueError),
    #[error("no time was left")]
    OutOfTime,
}

/// Starts recoveries again whose next step was lost, and counts what is queued.
pub(crate) async fn sweep(dependencies: &Dependencies, times: Times) -> SweepResponse {
    let counted = async {
        match dependencies.queue_counts.change().await {
            Ok(change) => dependencies.meter.count(Metric::QueuedChange, change),
            Err(error) => {
                tracing::error!(error = storehook_aws::causes(&error), "queued messages not counted");
            }
        }
    };
    future::join(sweep_recoveries(dependencies, times), counted).await.0
}

async fn sweep_recoveries(dependencies: &Dependencies, times: Times) -> SweepResponse {
    let mut response = SweepResponse::default();
    let listed = match dependencies.health.listed().await {
        Ok(listed) => listed,
        Err(error) => {
            tracing::error!(error = storehook_aws::causes(&error), "recoveries not listed");
            return SweepResponse { failed: 1, ..response };
        }
    };
    let looks = stream::iter(listed).map(|recovery| async move {
        let looked = if times.are_up() {
            Err(SweepError::OutOfTime)
        } else {
            dependencies.look_after(&recovery, (times.clock)()).await
        };
        (recovery.webhook.id, looked)
    });
    let mut looks = looks.buffer_unordered(LOOKS);
    while let Some((id, looked)) = looks.next().await {
        response.recoveries += 1;
        match looked {
            Ok(Looked { is_open, is_restarted }) => {
                dependencies.meter.count(Metric::BreakersOpen, i64::from(is_open));
                response.restarted += u64::from(is_restarted);
            }
            Err(error) => {
                let error = storehook_aws::causes(&error);
                tracing::error!(webhook.id = %id, error, "recovery not looked at");
                response.failed += 1;
            }
        }
    }
    tracing::info!(sweep.recoveries = response.recoveries, sweep.restarted = response.restarted, "swept");
    response
}

impl Dependencies {
    /// Starts a recovery again if its step was lost.
    async fn look_after(&self, listed: &ListedRecovery, now: Timestamp) -> Result<Looked, SweepError> {
        let webhook = &listed.webhook;
        let Some((recovery, version)) = self.load_recovery(webhook).await? else {
            if now.duration_since(listed.listed_at) >= UNBEGUN {
                self.health.forget(webhook.id, listed.listed_at).await?;
            }
            return Ok(Looked::default());
        };
        let looked = Looked { is_open: recovery.is_open(), is_restarted: false };
        if recovery.due_at.is_none() {
            // It waits for its webhook. The API resumes both, unless it fails in between.
            match self.subscribers.load(webhook).await?.map(|item| item.webhook.status) {
                Some(Status::Active) => {}
                Some(Status::Paused | Status::Disabled) => return Ok(looked),
                None => {
                    self.end_recovery(webhook, version, now).await?;
                    return Ok(Looked::default());
                }
            }
        } else if !recovery.is_overdue(now) {
            return Ok(looked);
        }
        let restarted = recovery.restarted(now);
        if self.health.put_recovery(webhook, version, &restarted, false).await?.is_err() {
            return Ok(looked);
        }
        self.jobs_queue.send_next_step(&restarted, webhook, now).await?;
        tracing::warn!(webhook.id = %webhook.id, "recovery started again: it had no next step");
        Ok(Looked { is_restarted: true, ..looked })
    }
}

#[cfg(test)]
mod tests;
