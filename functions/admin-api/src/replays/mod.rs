//! Replays: deliveries that are sent again, one of them or all of a window of time.
//!
//! Either way a delivery gets a new series of attempts: a [`reservation`] writes the series first
//! and sends its message afterwards. A replay of many deliveries runs in [`step`]s, each within one
//! request. The app repeats the request with the cursor of the last response until there is none.

pub(crate) mod routes;

pub(crate) mod responses;
pub(crate) mod schemas;

pub(crate) mod reservation;
pub(crate) mod step;
