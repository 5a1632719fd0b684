//! Messages.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

/// A message of a queue.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// Its id, which it keeps when it moves to another queue.
    pub(super) id: u64,
    pub(super) body: Arc<str>,
    pub(super) group: Arc<str>,
    /// When it was sent first. Retention and `SentTimestamp` count from here, also after a redrive.
    pub(super) sent_at: Timestamp,
    /// The same on the simulation's own clock.
    pub(super) sent: Duration,
    pub(super) receives: u32,
    pub(super) place: Place,
    /// How often its place has changed. This tells its latest receipt from earlier ones.
    pub(super) turn: u64,
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It can be received.
    Ready,
    /// It was sent with a delay.
    Delayed,
    /// It was received at this time, and is hidden.
    InFlight(Duration),
}

/// Whether the receive count of a message that moves to the next queue starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counting {
    Anew,
    CarriedOn,
}

/// A message, as a receive returns it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: u64,
    pub(crate) receipt_handle: String,
    pub(crate) body: Arc<str>,
    pub(crate) group: Arc<str>,
    pub(crate) sent_at: Timestamp,
    pub(crate) receives: u32,
}

impl Received {
    /// The message's id, as SQS tells it.
    pub(crate) fn message_id(&self) -> String {
        message_id(self.id)
    }
}

/// An id as SQS tells it.
pub(super) fn message_id(id: u64) -> String {
    format!("00000000-0000-4000-8000-{id:012x}")
}
