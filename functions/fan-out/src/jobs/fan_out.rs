//! A share of a large fan-out: the deliveries of an event to the webhooks of a range.
//!
//! The webhooks are looked up anew. The event's payload was written by the invocation that read the
//! record.

use jiff::Timestamp;
use storehook_domain::{
    event::{StoreEvent, origin::RecordOrigin},
    job::fan_out::FanOutShare,
};

use crate::{
    events::{progress::Progress, send},
    jobs::{JobError, Jobs},
    times::Times,
};

impl Jobs {
    /// Sends the deliveries of a share.
    pub(super) async fn send_share(&self, share: &FanOutShare, times: Times) -> Result<(), JobError> {
        // The record has an id and a time of its own.
        let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: Timestamp::UNIX_EPOCH };
        let event = StoreEvent::parse(share.record.get().as_bytes(), &origin)?;
        let mut progress = Progress::default();
        let mut subscribed = self.subscribers.find(vec![(0, event)], times, &mut progress).await;
        self.events_history.mark(&mut subscribed);
        for subscribed in &mut subscribed {
            subscribed.share = Some(share.range);
        }
        let queued = Times { now: share.queued_at, ..times };
        send::send(&self.delivery_queue, &subscribed, queued, &mut progress).await;
        match progress.first_failed() {
            Some(_) => Err(JobError::Unfinished),
            None => Ok(()),
        }
    }
}
