//! A share of a large fan-out: the deliveries of an event to the webhooks of a range.
//!
//! The webhooks of the range are looked up anew. The event's payload was written by the invocation
//! that read the record.

use jiff::Timestamp;
use storehook_domain::{
    event::{StoreEvent, origin::RecordOrigin},
    job::{fan_out::FanOutShare, message::Job},
};

use crate::{
    dependencies::Dependencies,
    events::{history, progress::Progress, send},
    jobs::JobError,
    times::Times,
};

impl Dependencies {
    /// Sends the deliveries of a share.
    pub(super) async fn send_share(&self, share: &FanOutShare, times: Times) -> Result<(), JobError> {
        // The record has an id and a time of its own.
        let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: Timestamp::UNIX_EPOCH };
        let event = StoreEvent::parse(share.record.get().as_bytes(), &origin)?;
        let event_shop = event.shop.to_string();
        let mut progress = Progress::default();
        let events = vec![(0, event)];
        let mut subscribed = self.subscribers.find(events, share.range, times, &mut progress).await;
        history::mark(&self.history, &mut subscribed);
        send::send(&self.delivery_queue, &subscribed, times, &mut progress).await;
        if progress.first_failed().is_some() {
            return Err(JobError::Unfinished);
        }
        if let Some(reason) = progress.rejected().values().next() {
            tracing::warn!(job.rejected = reason, event.shop = event_shop, "share rejected");
            let job = Job::FanOut(share.clone()).to_message();
            self.rejected_queue.send(job).await?;
        }
        Ok(())
    }
}
