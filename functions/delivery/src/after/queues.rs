//! The two queues, as this function uses them.

use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use serde::Serialize;
use storehook_aws::direct::{Called, Direct};
use storehook_domain::{
    delivery::{disposition::Disposition, lane::Lane},
    history::decision::Known,
};

use crate::{message::Received, settings::QueueAddress};

/// The delivery queue and the retry queue.
#[derive(Clone)]
pub(crate) struct Queues {
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) direct: Direct,
    pub(crate) delivery: QueueAddress,
    pub(crate) retry: QueueAddress,
}

/// Sets when a message is shown again ("ChangeMessageVisibility", Amazon SQS API Reference). Every failed
/// attempt makes this call, so it is made directly.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeVisibility<'a> {
    queue_url: &'a str,
    receipt_handle: &'a str,
    visibility_timeout: i32,
}

/// How a message is reported to SQS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reported {
    /// The message is done: SQS deletes it.
    Done,
    /// The message failed: SQS shows it again.
    Failed,
}

impl Queues {
    /// The lane that a message came from.
    pub(crate) fn lane_of(&self, message: &SqsMessage) -> Lane {
        match message.event_source_arn.as_deref() {
            Some(arn) if arn == self.retry.arn => Lane::Slow,
            _ => Lane::Fast,
        }
    }

    /// Carries out a message's disposition, and returns how to report the message.
    pub(crate) async fn apply(
        &self,
        disposition: Disposition,
        received: &Received<'_>,
        known: &Known,
    ) -> Reported {
        match disposition {
            Disposition::Ack | Disposition::Hold => Reported::Done,
            Disposition::Delay(wait) => Box::pin(self.send_later(received, wait, known)).await,
            Disposition::Retry { .. } | Disposition::Exhausted(_) => {
                Box::pin(self.hide(received.sqs, received.lane, disposition)).await;
                Reported::Failed
            }
        }
    }

    /// Hides a message until it is due. If that fails, SQS shows it again after the queue's own
    /// timeout.
    pub(crate) async fn hide(&self, message: &SqsMessage, lane: Lane, disposition: Disposition) {
        let (url, handle, timeout) =
            (&self.of(lane).url, message.receipt_handle.as_deref(), disposition.wait_seconds());
        if let (Some(receipt_handle), Some(visibility_timeout)) = (handle, timeout) {
            let change = ChangeVisibility { queue_url: url, receipt_handle, visibility_timeout };
            if let Called::Made(_) = self.direct.call("ChangeMessageVisibility", &change).await {
                return;
            }
        }
        let change = self.sqs.change_message_visibility().queue_url(url);
        let change = change.set_receipt_handle(handle.map(str::to_owned)).set_visibility_timeout(timeout);
        if let Err(error) = change.send().await {
            let error = storehook_aws::causes(&error);
            tracing::error!(error, message.id = message.message_id, "visibility not set");
        }
    }

    /// Sends a copy of a message that comes after the wait, to the lane that it names. If that fails, the message itself comes
    /// again then, at the cost of a receive; so it does where nobody can tell whose copy it would
    /// be.
    async fn send_later(&self, received: &Received<'_>, wait: Duration, known: &Known) -> Reported {
        let Received { sqs, lane, .. } = received;
        let delay = Disposition::Delay(wait);
        let Some(message) = received.facts().delayed(known, wait) else {
            self.hide(sqs, *lane, delay).await;
            return Reported::Failed;
        };
        let copy = self
            .sqs
            .send_message()
            .queue_url(&self.of(message.lane).url)
            .message_body(message.to_message())
            .message_group_id(message.envelope.group().as_str())
            .set_delay_seconds(delay.wait_seconds());
        let Err(error) = copy.send().await else { return Reported::Done };
        let error = storehook_aws::causes(&error);
        tracing::error!(error, delivery.id = %message.envelope.id, "delayed delivery not sent");
        self.hide(sqs, *lane, delay).await;
        Reported::Failed
    }

    fn of(&self, lane: Lane) -> &QueueAddress {
        match lane {
            Lane::Fast => &self.delivery,
            Lane::Slow => &self.retry,
        }
    }
}
