//! Events.

pub(crate) mod push;
pub(crate) mod topics;
