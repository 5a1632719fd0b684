//! The history: what became of each delivery.

pub(crate) mod deliveries;
