//! A webhook's health: whether its endpoint works, and what follows if it does not.
//!
//! * [`failure_run`] counts the failed attempts since the last success. A webhook that has failed
//!   for five days is disabled.
//! * [`breaker`] decides when deliveries are no longer attempted but held: after a hundred failed
//!   attempts in a row. So a dead endpoint fills no queue.
//! * [`pace`] decides which lane a webhook's deliveries are queued into. A slow endpoint gets the
//!   slow lane, where it delays no quick endpoint.
//!
//! Held deliveries are sent by themselves once the endpoint works again: see `job/recovery`.

pub mod breaker;
pub mod failure_run;
pub mod pace;
