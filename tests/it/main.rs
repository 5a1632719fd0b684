//! The whole system over the wire: real API requests, real stream records, real SQS redrive,
//! real receivers, on the template as it is deployed.

mod api;
mod architecture;
mod commands;
mod cost;
mod deliveries;
mod documents;
mod events;
mod history;
mod panel;
mod replays;
mod stack;
