//! The jobs queue: one message for the next step of each job.
//!
//! The API sends the first step, and the fan-out function sends each further one. A step may be
//! sent twice: its record tells the copies apart (`job/replay/record` of the domain).

use std::time::Duration;

use aws_sdk_sqs::Client;
use jiff::Timestamp;
use storehook_domain::{
    installation::message_group::MessageGroup,
    job::{message::Job, recovery::Recovery},
    webhook::WebhookKey,
};

use crate::queue::QueueError;

/// The jobs queue.
#[derive(Clone)]
pub struct JobQueue {
    /// Its client.
    pub client: Client,
    /// Its URL.
    pub url: String,
}

impl JobQueue {
    /// Sends a job in the group of who it works for, to be received after a pause of at most 15
    /// minutes.
    ///
    /// # Errors
    ///
    /// The call failed. The message may be in the queue or not.
    pub async fn send(&self, job: &Job, group: &MessageGroup, pause: Duration) -> Result<(), QueueError> {
        let send = self.client.send_message().queue_url(&self.url).message_body(job.to_message());
        let send = send.message_group_id(group.as_str()).delay_seconds(seconds(pause));
        send.send().await?;
        Ok(())
    }

    /// Sends the next step of a webhook's recovery, to be received when it is due. Sends nothing while
    /// the recovery has no next step.
    ///
    /// # Errors
    ///
    /// As in [`Self::send`].
    pub async fn send_next_step(
        &self,
        recovery: &Recovery,
        webhook: &WebhookKey,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let Some((step, pause)) = recovery.next_step(webhook, now) else { return Ok(()) };
        let group = step.group();
        self.send(&Job::Recovery(step), &group, pause).await
    }

    /// Hides a job that was received for so long.
    ///
    /// # Errors
    ///
    /// The call failed. The queue's own visibility timeout holds.
    pub async fn hide(&self, receipt_handle: &str, wait: Duration) -> Result<(), QueueError> {
        let change = self.client.change_message_visibility().queue_url(&self.url);
        change.receipt_handle(receipt_handle).visibility_timeout(seconds(wait)).send().await?;
        Ok(())
    }
}

fn seconds(time: Duration) -> i32 {
    time.as_secs().try_into().unwrap_or(i32::MAX)
}
