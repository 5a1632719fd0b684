//! Deliveries: from the stream to the endpoint, or to the dead letters.

pub(crate) mod arrival;
pub(crate) mod lifecycle;

mod crash;
mod dead_letters;
mod endpoints;
mod redrive;
