//! The whole system over the wire: real API requests, real stream records, real SQS redrive,
//! real receivers, on the template as it is deployed.

mod admin_api;
mod architecture;
mod crash;
mod dead_letters;
mod deliveries;
mod events;
mod gaps;
mod permissions;
mod readme;
mod rejected_events;
mod template;
