//! A webhook's health: its failure run, its breaker, its lane, and disabling a webhook that has
//! failed for too long.
//!
//! An attempt is recorded after it was made. [`counts`] adds it to the failure run or ends the run;
//! [`breaker`] opens and closes the breaker; [`disabling`] disables the webhook; [`marking`] judges the
//! endpoint's pace. If a write fails, the log says so, and the next attempt writes again. There is one
//! exception: a delivery that is held for a failing endpoint needs a recovery. If the recovery cannot
//! be written, the delivery is not held ([`Health::recovery_for`]).
//!
//! Many attempts may try the same change at the same moment. Each change has a condition that lets one
//! of them make it, and that one tells the app. The SDK repeats a write whose response was
//! lost, and the repeat may be refused because the first one was made:
//!
//! * The webhook's item names the attempt that disabled it, and the recovery names its opening. So a
//!   repeat finds its own write, and the app is told.
//! * A repeat recognises the begin of a run by its time, in nanoseconds.
//! * A further attempt of a run may count twice. So a breaker may open an attempt early, and a webhook
//!   may be disabled an attempt or two early, but never before five days.

mod breaker;
mod counts;
mod disabling;
pub(crate) mod lanes;
mod marking;

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_kinesis::primitives::Blob;
use jiff::Timestamp;
use storehook_aws::{
    jobs::JobQueue,
    queue::QueueError,
    registry::{self, HealthTable},
    table::{Contended, TableError},
};
use storehook_domain::{
    delivery::{
        message::DeliveryMessage,
        outcome::{FailedAttempt, Outcome},
    },
    history::attempt::Attempt,
    job::recovery::RecoveryRules,
    webhook::{Webhook, health::breaker::BreakerRules},
};
use tokio::time::error::Elapsed;

use crate::{after::health::lanes::Lanes, lookup::found::Target};

/// How long publishing an event may take: a share of a call's time, so that there is time to undo the
/// change that the event tells about.
const PUBLISH_TIME: Duration = Duration::from_secs(2);

/// Records the health of webhooks.
pub(crate) struct Health {
    pub(crate) table: HealthTable,
    pub(crate) kinesis: aws_sdk_kinesis::Client,
    pub(crate) stream: String,
    pub(crate) jobs_queue: JobQueue,
    /// Whether breakers open and deliveries are held for `failing`: not without a history.
    pub(crate) is_on: bool,
    pub(crate) breaker: BreakerRules,
    pub(crate) recovery: RecoveryRules,
    pub(crate) lanes: Lanes,
}

/// An attempt, as it counts for the webhook.
pub(crate) struct Counted<'a> {
    pub(crate) message: &'a DeliveryMessage<'a>,
    pub(crate) attempt: &'a Attempt,
    pub(crate) target: &'a Target,
    /// How the number of deliveries that wait for a retry changes.
    pub(crate) waiting: i64,
    pub(crate) now: Timestamp,
}

/// Why a webhook's health was not recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HealthError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Contended(#[from] Contended),
    #[error("the step of a recovery was not queued")]
    Job(#[from] QueueError),
    #[error("the event could not be published")]
    Stream(#[source] Box<aws_sdk_kinesis::Error>),
    #[error("the event could not be published in time")]
    SlowStream(#[source] Elapsed),
}

impl Health {
    /// Records what an attempt means for its webhook. If that fails, the log says so. Returns whether
    /// the attempt disabled the webhook.
    pub(crate) async fn record(&self, counted: &Counted<'_>) -> bool {
        let Counted { message, attempt, target, now, .. } = counted;
        let recorded = self.record_outcome(counted).await;
        if let Err(error) = &recorded {
            not_recorded(message, error);
        }
        if let Err(error) = self.judge(target, attempt.latency, *now).await {
            not_recorded(message, &error);
        }
        recorded.unwrap_or(false)
    }

    /// Returns whether the attempt disabled the webhook.
    async fn record_outcome(&self, counted: &Counted<'_>) -> Result<bool, HealthError> {
        match &counted.attempt.outcome {
            Outcome::Delivered | Outcome::Delayed(_) => self.worked(counted).await.map(|()| false),
            // If the request could not be built, the endpoint saw nothing of it.
            Outcome::Failed { reason: FailedAttempt::NotBuilt(_), .. } => Ok(false),
            outcome if outcome.is_gone() => {
                let by = counted.by();
                let reason = "the endpoint responded with 410 Gone";
                Box::pin(self.disable(&counted.target.webhook, reason, &by, counted.now)).await
            }
            Outcome::Failed { .. } => Box::pin(self.failed(counted)).await,
        }
    }

    /// An update of a webhook's own item.
    fn update_of(&self, webhook: &Webhook) -> UpdateItemFluentBuilder {
        let key = registry::webhook_key(&webhook.shop, &webhook.app, webhook.id);
        self.table.client.update_item().table_name(&self.table.name).set_key(Some(key))
    }

    /// Publishes an operational event of a webhook.
    async fn publish(&self, webhook: &Webhook, event: String) -> Result<(), HealthError> {
        let Webhook { id, shop, .. } = webhook;
        let put = self.kinesis.put_record().stream_name(&self.stream).partition_key(format!("{shop}/{id}"));
        match tokio::time::timeout(PUBLISH_TIME, put.data(Blob::new(event)).send()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(HealthError::Stream(Box::new(error.into()))),
            Err(elapsed) => Err(HealthError::SlowStream(elapsed)),
        }
    }
}

impl Counted<'_> {
    /// Names the attempt, and no other.
    fn by(&self) -> String {
        format!("{} {}", self.message.envelope.id, self.now)
    }
}

fn not_recorded(message: &DeliveryMessage<'_>, error: &HealthError) {
    let error = storehook_aws::causes(error);
    tracing::error!(delivery.id = %message.envelope.id, error, "webhook's health not recorded");
}

#[cfg(test)]
mod tests;
