//! Deliveries: each one event on its way to one webhook.
//!
//! The delivery function writes the records of the history table. This room reads them: the
//! [`store`] loads records by their ids, [`pages`] scan a webhook's deliveries in order, and
//! [`stats`] counts them, and [`activity`] counts those of all webhooks over time. [`all`] merges
//! those of several webhooks, [`explain`] tells what became of an event, and [`signed_now`] builds a
//! delivery's request once more. [`test_events`] make deliveries of their own, which go into the
//! [`queue`] like any other.
//!
//! The index may be a moment behind the records. Records may expire at any time, and DynamoDB
//! deletes expired ones late, so every read leaves them out.

pub(crate) mod routes;
pub(crate) mod test_events;

pub(crate) mod responses;
pub(crate) mod schemas;

pub(crate) mod activity;
pub(crate) mod all;
pub(crate) mod explain;
pub(crate) mod operations;
pub(crate) mod pages;
pub(crate) mod signed_now;
pub(crate) mod stats;

pub(crate) mod queue;
pub(crate) mod store;

#[cfg(test)]
pub(crate) mod tests;
