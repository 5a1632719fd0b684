//! One event on its way to one webhook: the message, its POST, what the endpoint makes of it, and when it
//! is tried again.

pub mod body_shape;
pub mod disposition;
pub mod envelope;
pub mod fan_out;
pub mod id;
pub mod message;
pub mod outcome;
pub mod request;
pub mod schedule;
pub mod signature;
pub mod test_event;
pub mod verdict;
