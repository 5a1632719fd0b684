//! Replays: deliveries that are sent again, one of them or all of a window of time.
//!
//! Either way a delivery gets a new run of attempts. A [`redelivery`] sends one message that names
//! the run. A replay of many deliveries is a job: [`operations`] write its record and queue its
//! first step, and the fan-out function does the rest. Then they show how far it is, or stop it.

pub(crate) mod routes;

pub(crate) mod responses;
pub(crate) mod schemas;

pub(crate) mod operations;
pub(crate) mod redelivery;

#[cfg(test)]
mod tests;
