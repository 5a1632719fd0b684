//! What every request passes, whatever it asks for.

pub(crate) mod admission;
pub(crate) mod bodies;
pub(crate) mod call_limit;
pub(crate) mod negotiation;
pub(crate) mod paths;
pub(crate) mod request_log;
