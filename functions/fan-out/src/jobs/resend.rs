//! Sending deliveries again from their records: payloads are loaded, and messages queued.

use jiff::Timestamp;
use storehook_domain::{
    delivery::{
        fan_out::{self, QueueEntry},
        lane::Lane,
        message::DeliveryMessage,
        run::RunId,
    },
    history::record::DeliveryRecord,
    payload::Payload,
};

use crate::{Dependencies, jobs::JobError, queue::NotSent, times::Times};

/// How many deliveries were sent, and how many could not be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Resent {
    /// How many are queued.
    pub(super) sent: u64,
    /// How many have no payload any more.
    pub(super) expired: u64,
    /// How many cannot be sent for another reason: a malformed payload, or SQS refuses them for good.
    pub(super) unsendable: u64,
}

impl Dependencies {
    /// Sends deliveries again, as first messages of this run and in this lane.
    pub(super) async fn resend(
        &self,
        records: Vec<DeliveryRecord>,
        run: &RunId,
        lane: Lane,
        times: Times,
    ) -> Result<Resent, JobError> {
        let now = (times.clock)();
        let payloads = self.history.load_payloads(&records, now).await?;
        let loaded: Vec<_> = records.into_iter().zip(payloads).collect();
        let entries: Vec<_> = loaded
            .iter()
            .filter_map(|(record, payload)| Some((record, payload.as_deref()?)))
            .filter_map(|(record, payload)| entry_of(record, payload, run, lane, now))
            .collect();
        let mut sent = entries.len() as u64;
        for batch in fan_out::batches(entries.into_iter()) {
            if times.are_up() {
                return Err(NotSent::OutOfTime.into());
            }
            for (_, error) in self.delivery_queue.send_batch(batch, times).await {
                if !error.is_for_good() {
                    return Err(error.into());
                }
                tracing::error!(error = storehook_aws::causes(&error), "delivery not queued");
                sent -= 1;
            }
        }
        let expired = loaded.iter().filter(|(_, payload)| payload.is_none()).count() as u64;
        let unsendable = (loaded.len() as u64).saturating_sub(sent + expired);
        Ok(Resent { sent, expired, unsendable })
    }
}

/// The message of a delivery; `None` if the payload that is kept is malformed, which the log tells.
fn entry_of(
    record: &DeliveryRecord,
    payload: &str,
    run: &RunId,
    lane: Lane,
    now: Timestamp,
) -> Option<QueueEntry> {
    let Ok(payload) = Payload::parse(payload) else {
        tracing::error!(delivery.id = %record.envelope.id, "a stored payload is malformed");
        return None;
    };
    let message = DeliveryMessage::new(record.envelope.clone(), run.clone(), now, payload);
    Some(QueueEntry::of(0, &message.in_lane(lane)))
}
