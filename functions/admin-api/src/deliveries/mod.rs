//! Deliveries.

pub(crate) mod index;
pub(crate) mod queue;
pub(crate) mod responses;
pub(crate) mod routes;
pub(crate) mod schemas;
pub(crate) mod store;
pub(crate) mod test_events;
