//! One step of a webhook's recovery: a probe while the breaker is open, or a part of a pass, which sends
//! what is held.
//!
//! The rules are in `job/recovery` of the domain. The recovery is in the registry, beside the
//! webhook. The delivery function may change it while a step is made, for example when the step's own
//! probe arrives. So the step reads the recovery again before it notes itself there.

mod pass;
mod probe;

use jiff::Timestamp;
use storehook_aws::table;
use storehook_domain::{
    delivery::id::DeliveryId,
    job::{
        recovery::{Phase, Recovery, noting::AfterPass, pass::PassOutcome, step::RecoveryStep},
        turn::Turn,
    },
    webhook::{Status, WebhookKey},
};

use crate::{Dependencies, jobs::JobError, times::Times};

/// What a step did.
enum Made {
    /// It sent this delivery as a probe, or found none.
    Probe(Option<DeliveryId>),
    /// It made a part of a pass.
    Pass(PassOutcome),
}

impl Dependencies {
    /// Makes a step that came as this SQS message, and queues the next one.
    pub(super) async fn make_recovery_step(
        &self,
        step: &RecoveryStep,
        message_id: &str,
        times: Times,
    ) -> Result<(), JobError> {
        table::change(async || self.try_recovery_step(step, message_id, times).await).await
    }

    /// The same; `None` if the webhook may have been resumed meanwhile, so it must be read again.
    async fn try_recovery_step(
        &self,
        step: &RecoveryStep,
        message_id: &str,
        times: Times,
    ) -> Result<Option<()>, JobError> {
        let health = self.health.load(&step.webhook).await?.unwrap_or_default();
        let (waiting, version) = (health.waiting(), health.recovery_version);
        let Some(mut recovery) = health.recovery else { return Ok(Some(())) };
        if recovery.turn(step, message_id, times.now) == Turn::Make {
            let webhook = self.subscribers.load(&step.webhook).await?;
            let made = match webhook.map(|item| item.webhook.status) {
                None => return Ok(Some(self.end_recovery(&step.webhook, version, times.now).await?)),
                // The webhook was read after the recovery, and the API changes them in the other order.
                // So a webhook that is resumed at this moment is not parked.
                Some(Status::Paused | Status::Disabled) => {
                    let parked = recovery.parked(step, message_id);
                    let written = self.health.put_recovery(&step.webhook, version, &parked, false).await?;
                    return Ok(written.ok());
                }
                Some(Status::Active) => self.make(&step.webhook, &recovery, waiting, times).await?,
            };
            match self.note_recovery(step, message_id, &made, times).await? {
                Some(noted) => recovery = noted,
                None => return Ok(Some(())),
            }
        }
        let now = (times.clock)();
        if recovery.turn(step, message_id, now) == Turn::QueueNext {
            self.jobs_queue.send_next_step(&recovery, &step.webhook, now).await?;
        }
        Ok(Some(()))
    }

    async fn make(
        &self,
        webhook: &WebhookKey,
        recovery: &Recovery,
        waiting: u64,
        times: Times,
    ) -> Result<Made, JobError> {
        match &recovery.phase {
            Phase::Open(opening) => {
                let probe = self.send_probe(webhook, recovery, opening, times).await?;
                let id = probe.as_ref().map(ToString::to_string);
                tracing::info!(webhook.id = %webhook.id, delivery.id = id, "probe");
                Ok(Made::Probe(probe))
            }
            Phase::CatchUp(catch_up) => {
                let outcome = self.make_pass_step(webhook, recovery, catch_up, waiting, times).await?;
                tracing::info!(
                    webhook.id = %webhook.id,
                    step.held = outcome.counts.held,
                    step.sent = outcome.counts.sent,
                    step.waiting = outcome.counts.waiting,
                    "catch-up step made"
                );
                Ok(Made::Pass(outcome))
            }
        }
    }

    /// Notes a step. Returns the recovery as it is then; `None` if it has ended.
    async fn note_recovery(
        &self,
        step: &RecoveryStep,
        message_id: &str,
        made: &Made,
        times: Times,
    ) -> Result<Option<Recovery>, JobError> {
        table::change(async || {
            let now = (times.clock)();
            let Some((recovery, version)) = self.load_recovery(&step.webhook).await? else {
                return Ok(Some(None));
            };
            let noted = match made {
                Made::Probe(id) => recovery.after_probe(step, message_id, id.as_ref(), now, &self.recovery),
                Made::Pass(outcome) => {
                    match recovery.after_pass_step(step, message_id, outcome, now, &self.recovery) {
                        Some(AfterPass::Goes(noted)) => Some(*noted),
                        None => None,
                        Some(AfterPass::Done) => {
                            let is_ended = self.health.end_recovery(&step.webhook, version, now).await?;
                            return Ok(is_ended.then_some(None));
                        }
                    }
                }
            };
            let Some(noted) = noted else { return Ok(Some(Some(recovery))) };
            let written = self.health.put_recovery(&step.webhook, version, &noted, false).await?;
            Ok::<_, JobError>(written.is_ok().then_some(Some(noted)))
        })
        .await
    }

    /// The recovery of a webhook with its version, if it has one.
    pub(crate) async fn load_recovery(
        &self,
        webhook: &WebhookKey,
    ) -> Result<Option<(Recovery, u64)>, table::TableError> {
        let item = self.health.load(webhook).await?;
        Ok(item.and_then(|item| Some((item.recovery?, item.recovery_version))))
    }

    /// Ends the recovery of a webhook that was deleted, or whose app was uninstalled.
    pub(crate) async fn end_recovery(
        &self,
        webhook: &WebhookKey,
        version: u64,
        now: Timestamp,
    ) -> Result<(), table::TableError> {
        // If somebody else wrote first, the next look at the list of recoveries ends it.
        let _is_ended = self.health.end_recovery(webhook, version, now).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
