//! Replays.

pub(crate) mod responses;
pub(crate) mod step;
