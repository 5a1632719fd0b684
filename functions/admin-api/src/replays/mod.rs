//! Replays: deliveries that are sent again, one of them or all of a window of time.
//!
//! Either way a delivery gets a new run of attempts: a [`redelivery`] sends a message that names the
//! run. A replay of many deliveries runs in [`step`]s, each within one request. The app repeats the
//! request with the cursor of the last response until there is none.

pub(crate) mod routes;

pub(crate) mod responses;
pub(crate) mod schemas;

pub(crate) mod redelivery;
pub(crate) mod step;
