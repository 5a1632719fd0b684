//! Jobs: work of many steps. Each message of the jobs queue is one step, of bounded time.
//!
//! A step sends deliveries, notes in the job's record how far it came and by which SQS message,
//! queues the next step, and only then is done (`job` of the domain has the rules). [`replay`]
//! makes the steps of a replay, [`recovery`] those of a webhook whose endpoint fails, and [`fan_out`]
//! those of a share of a large fan-out, which takes one step as a rule.
//!
//! * A step that cannot reach DynamoDB or SQS fails. Its message is hidden for a wait that grows to
//!   15 minutes, and comes again. So jobs outlive an outage of 48 hours.
//! * A message that is not a job goes to the rejected queue at once.
//! * A step that dies before it is noted is made again from its beginning. What it sent is sent
//!   twice, and the delivery function makes one run's attempts of it.

pub(crate) mod fan_out;
mod recovery;
mod replay;
mod resend;

use aws_lambda_events::{
    event::sqs::SqsBatchResponse,
    sqs::{SqsEvent, SqsMessage},
};
use storehook_aws::{
    metrics::Metric,
    queue::QueueError,
    table::{Contended, TableError},
};
use storehook_domain::{
    event::InvalidEvent,
    job::{message::Job, retry::wait_after},
};

use crate::{dependencies::Dependencies, queue::NotSent, times::Times};

/// Why a step failed. It comes again.
#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error("a table failed")]
    Table(#[from] TableError),
    #[error("a delivery or a rejected job was not queued")]
    NotSent(#[from] NotSent),
    #[error("the next step was not queued")]
    NextStep(#[from] QueueError),
    #[error("the step was not noted")]
    Contended(#[from] Contended),
    #[error("the share's record is not an event")]
    Event(#[from] InvalidEvent),
    #[error("no deliveries of the share were sent")]
    Unfinished,
}

/// Makes the steps of a batch. The response names those that failed.
pub(crate) async fn work_off(dependencies: &Dependencies, batch: SqsEvent, times: Times) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in &batch.records {
        let id = message.message_id.as_deref().unwrap_or_default();
        if let Err(error) = dependencies.make_step(message, id, times).await {
            tracing::error!(error = storehook_aws::causes(&error), message.id = id, "job step failed");
            dependencies.hide(message).await;
            response.add_failure(id);
        }
    }
    response
}

impl Dependencies {
    async fn make_step(&self, message: &SqsMessage, id: &str, times: Times) -> Result<(), JobError> {
        let body = message.body.as_deref().unwrap_or_default();
        match Job::parse(body) {
            Ok(Job::Replay(step)) => self.make_replay_step(&step, id, times).await,
            Ok(Job::Recovery(step)) => self.make_recovery_step(&step, id, times).await,
            Ok(Job::FanOut(share)) => self.make_share_step(&share, id, times).await,
            Err(error) => {
                tracing::warn!(job.rejected = %error, message.id = id, "job rejected");
                self.rejected_queue.send(body.to_owned()).await?;
                self.meter.count(Metric::Rejected, 1);
                Ok(())
            }
        }
    }

    /// Hides a failed step for its wait. If that fails, the queue's own timeout shows it again.
    async fn hide(&self, message: &SqsMessage) {
        let receives = message.attributes.get("ApproximateReceiveCount");
        let receives = receives.and_then(|count| count.parse().ok()).unwrap_or(1);
        let receipt_handle = message.receipt_handle.as_deref().unwrap_or_default();
        if let Err(error) = self.jobs_queue.hide(receipt_handle, wait_after(receives)).await {
            tracing::error!(error = storehook_aws::causes(&error), "visibility not set");
        }
    }
}

#[cfg(test)]
mod tests;
