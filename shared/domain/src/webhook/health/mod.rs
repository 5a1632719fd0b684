//! A webhook's health: whether its endpoint works, and what follows if it does not.
//!
//! * [`failure_run`] counts the failed attempts since the last success. A webhook that has failed
//!   for five days is disabled.
//! * [`breaker`] decides when deliveries are no longer attempted but held: after a hundred failed
//!   attempts in a row. So a dead endpoint takes no place in the queues.
//! * [`pace`] decides which lane a webhook's deliveries are queued into. A slow endpoint gets the
//!   slow lane, where it takes no time of others.
//!
//! What is held comes back by itself: see `job/recovery`.

pub mod breaker;
pub mod failure_run;
pub mod pace;
