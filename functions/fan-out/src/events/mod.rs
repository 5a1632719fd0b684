//! From stream records to messages: who hears of an event, what is sent, what is kept, and what ends.

pub(crate) mod history;
pub(crate) mod installations;
pub(crate) mod progress;
pub(crate) mod queue;
pub(crate) mod send;
pub(crate) mod subscribers;
