//! The pure core of Storehook.
//!
//! This crate makes every decision that Storehook makes: what a stream record means, which
//! deliveries an event becomes, what each POST looks like to the byte, whether a response counts
//! as success, and when to try again. Each decision is a function from values to values. Nothing
//! here reads a clock, draws a random number, opens a socket or awaits: callers pass in time, ids
//! and randomness. So each rule can be tested as a table, and it holds in the same way in a
//! Lambda, in the CLI and in a test.
//!
//! # The way of an event
//!
//! 1. A store puts a record on the stream. [`event::StoreEvent::parse`] reads it.
//! 2. [`delivery::fan_out::deliveries`] makes one message for each subscribed webhook, and
//!    [`delivery::fan_out::batches`] packs the messages for SQS.
//! 3. For each message that SQS hands out, [`delivery::message::DeliveryMessage::parse`] reads it,
//!    [`history::decision`] tells whether it is to be attempted, and
//!    [`delivery::request::DeliveryRequest::build`] makes the POST.
//! 4. [`delivery::outcome::Outcome::of`] judges the response, and [`history::decision`] tells what
//!    becomes of the message, by the [`delivery::schedule::RetrySchedule`].
//! 5. [`history::record::DeliveryRecord`] remembers the attempt.
//!
//! # Glossary
//!
//! | word | meaning |
//! |---|---|
//! | shop | A store, named by its domain. |
//! | app | An API client. It registers webhooks, and it sees only its own. |
//! | installation | One app on one shop: its token, scopes and secrets. |
//! | webhook | A subscription of an installation: a topic, an address and a format. |
//! | event | One thing that happened in a shop: a topic and a payload. |
//! | delivery | One event on its way to one webhook. Its id is the same through all attempts. |
//! | attempt | One POST of a delivery. |
//! | run | One series of attempts of a delivery: the event's own, or one that somebody began by sending it again. |
//! | lane | One of two queues: *fast* (first attempts, quick retries) or *slow* (later retries). |
//! | disposition | What becomes of a message that was received: ack, delay, retry or exhausted. |
//! | envelope | What a delivery is: ids, shop, app, topic and time, without payload and attempts. |
//! | job | Work that makes many messages and takes many steps: a replay. |
//! | record | What the history keeps of a delivery. (On the stream: the bytes of one event.) |
//!
//! # The rooms
//!
//! The modules below stand in the order of the flow. Each uses only those above it.

#![warn(clippy::missing_errors_doc)]

pub mod input;

pub mod words;

pub mod installation;

pub mod payload;

pub mod event;

pub mod webhook;

pub mod delivery;

pub mod history;

pub mod job;

pub mod explanation;
