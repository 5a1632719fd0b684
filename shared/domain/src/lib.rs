//! The pure core of Storehook.
//!
//! Everything that Storehook *decides* is decided here, by functions from values to
//! values: what a stream record means, which deliveries an event becomes, what a
//! delivery's POST looks like to the byte, whether an answer counts, and when to try
//! again. Nothing in this crate reads a clock, rolls a die, opens a socket or awaits;
//! time, ids and randomness come in as arguments, so every rule can be tested as a
//! table and holds the same way in a Lambda, in the CLI and in a test.
//!
//! One event's way through it: [`StoreEvent::parse`] → [`fan_out::deliveries`] →
//! [`fan_out::batches`] → *(SQS)* → [`DeliveryMessage::parse`] → [`DeliveryRequest::build`] →
//! *(HTTP)* → [`Outcome`] → [`RetrySchedule::next`].

pub mod delivery;
pub mod event;
pub mod history;
pub mod input;
pub mod installation;
pub mod job;
pub mod payload;
pub mod webhook;
