//! The breaker of a webhook, at the registry: opening, closing, and beginning a recovery.
//!
//! The attempt that makes a change queues the next step and tells the app. If the process dies in
//! between, the step is lost. Then the recovery's due time passes, and a later receive for the webhook
//! starts the recovery again ([`Health::restart`]).

use jiff::Timestamp;
use storehook_aws::table;
use storehook_domain::{
    job::recovery::Recovery,
    webhook::{
        Webhook,
        health::failure_run::FailureRun,
        operational_events::{failing_event, recovered_event},
    },
};
use tokio::sync::Mutex;

use super::{Health, HealthError};
use crate::lookup::found::Target;

impl Health {
    /// Opens the breaker of a webhook.
    pub(super) async fn open(
        &self,
        target: &Target,
        run: &FailureRun,
        now: Timestamp,
    ) -> Result<(), HealthError> {
        let opening = |before: Option<&Recovery>| {
            let is_open = before.is_some_and(Recovery::is_open);
            (!is_open).then(|| Recovery::opened(run, before, now, &self.recovery))
        };
        let Some(opened) = self.change(target, false, now, opening).await? else { return Ok(()) };
        let Webhook { id, shop, app, .. } = &target.webhook;
        tracing::warn!(
            webhook.id = %id, event.shop = %shop, event.app = %app, webhook.failing_since = %run.since,
            webhook.failed = run.attempts, "breaker opened"
        );
        // Nobody else does any of these: one that fails must not stop the others.
        let queued = self.jobs_queue.send_next_step(&opened, &target.webhook.key(), now).await;
        let marked = self.mark_slow(&target.webhook, now).await;
        let told = self.publish(&target.webhook, failing_event(&target.webhook, run, now)).await;
        queued?;
        marked.and(told)
    }

    /// Closes the breaker of a webhook whose endpoint works again.
    pub(super) async fn close(&self, target: &Target, now: Timestamp) -> Result<(), HealthError> {
        let since = target.recovery().and_then(Recovery::failing_since).unwrap_or(now);
        let closing = |before: Option<&Recovery>| before.and_then(|before| before.closed(now));
        let Some(closed) = self.change(target, true, now, closing).await? else { return Ok(()) };
        let Webhook { id, shop, app, .. } = &target.webhook;
        tracing::info!(webhook.id = %id, event.shop = %shop, event.app = %app, "breaker closed");
        let queued = self.jobs_queue.send_next_step(&closed, &target.webhook.key(), now).await;
        let told = self.publish(&target.webhook, recovered_event(&target.webhook, since, now)).await;
        queued?;
        told
    }

    /// Makes sure that there is a recovery for a delivery that is to be held. The delivery was first
    /// queued at `created_at`.
    pub(crate) async fn recovery_for(
        &self,
        target: &Target,
        created_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), HealthError> {
        let holding = |before: Option<&Recovery>| match before {
            Some(before) => before.with_held(created_at, &self.recovery),
            None => Some(Recovery::overflowing(created_at, now, &self.recovery)),
        };
        match self.change(target, false, now, holding).await? {
            // One that has just begun has no step yet.
            Some(begun) if begun.steps == 0 && !begun.is_open() => {
                Ok(self.jobs_queue.send_next_step(&begun, &target.webhook.key(), now).await?)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Starts a recovery again whose next step is overdue. Of many receives, one succeeds.
    pub(crate) async fn restart(&self, target: &Target, now: Timestamp) -> Result<(), HealthError> {
        let Some(recovery) = target.recovery().filter(|recovery| recovery.is_overdue(now)) else {
            return Ok(());
        };
        let (webhook, restarted) = (target.webhook.key(), recovery.restarted(now));
        let version = target.health.recovery_version;
        let put = Box::pin(self.table.put_recovery(&webhook, version, &restarted, false));
        if put.await?.is_ok() {
            tracing::warn!(webhook.id = %target.webhook.id, "recovery started again: its step was lost");
            Box::pin(self.jobs_queue.send_next_step(&restarted, &webhook, now)).await?;
        }
        Ok(())
    }

    /// Changes the recovery of a webhook. Returns it, or `None` if there was nothing to change.
    async fn change(
        &self,
        target: &Target,
        has_recovered: bool,
        now: Timestamp,
        change: impl Fn(Option<&Recovery>) -> Option<Recovery>,
    ) -> Result<Option<Recovery>, HealthError> {
        let (webhook, change) = (&target.webhook.key(), &change);
        let known = &Mutex::new((target.health.recovery.clone(), target.health.recovery_version));
        table::change(|| async move {
            let (before, version) = known.lock().await.clone();
            let Some(after) = change(before.as_ref()) else { return Ok(Some(None)) };
            if before.is_none() {
                self.table.list(webhook, now).await?;
            }
            match self.table.put_recovery(webhook, version, &after, has_recovered).await? {
                Ok(()) => Ok::<_, HealthError>(Some(Some(after))),
                Err(found) => {
                    *known.lock().await = (found.recovery, found.recovery_version);
                    Ok(None)
                }
            }
        })
        .await
    }
}
