//! Messages in the queues.

use jiff::Timestamp;
use storehook_domain::{
    delivery::{lane::Lane, message::DeliveryMessage},
    history::{decision::Received, run::Receive},
};

/// A time of the world, in milliseconds since it began.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000 + millis).unwrap_or_default()
}

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) id: String,
    pub(crate) body: DeliveryMessage<'static>,
    pub(crate) lane: Lane,
    pub(crate) sent_at: i64,
    pub(crate) visible_at: i64,
    pub(crate) count: u32,
}

impl Queued {
    /// The receive as the domain decides on it.
    pub(crate) fn received(&self) -> Received<'_, 'static> {
        Received {
            message: &self.body,
            receive: Receive { message_id: &self.id, lane: self.lane },
            count: self.count,
            sent_at: at(self.sent_at),
        }
    }
}
