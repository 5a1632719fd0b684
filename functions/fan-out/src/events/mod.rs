//! From records to messages.
//!
//! [`entries`] takes the records apart and reads their events. [`subscribers`] finds the webhooks of each
//! event, by a [`query`] for each shop. [`shares`] queues jobs for most of them where there are very many, [`send`] puts
//! a message for each of the others into the delivery queue, and [`history`] writes the payload.
//! [`installations`] then ends those that were uninstalled. [`progress`] notes the records that are
//! rejected or that must come again.

pub(crate) mod entries;
pub(crate) mod history;
pub(crate) mod installations;
pub(crate) mod progress;
mod query;
pub(crate) mod send;
pub(crate) mod shares;
pub(crate) mod subscribers;
