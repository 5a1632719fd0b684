//! Deliveries: each one event on its way to one webhook.
//!
//! The delivery function writes the records of the history table. This room reads them: the
//! [`store`] loads records by their ids, [`pages`] scan a webhook's deliveries in order, and
//! [`stats`] counts them. [`test_events`] make deliveries of their own, which go into the [`queue`]
//! like any other.
//!
//! The index may be a moment behind the records. Records may expire at any time, and DynamoDB
//! deletes expired ones late, so every read leaves them out.

pub(crate) mod routes;
pub(crate) mod test_events;

pub(crate) mod responses;
pub(crate) mod schemas;

pub(crate) mod operations;
pub(crate) mod pages;
pub(crate) mod stats;

pub(crate) mod queue;
pub(crate) mod store;

#[cfg(test)]
pub(crate) mod tests;
