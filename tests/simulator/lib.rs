//! The simulator: the real handlers against the limits and the faults of AWS.
//!
//! It runs the real handlers of fan-out, its jobs and delivery on a virtual clock (`clock`), with
//! stand-ins in this process for SQS (`sqs`), DynamoDB (`dynamodb`), Kinesis (`kinesis`) and
//! Lambda's pollers (`lambda`), which the AWS SDK reaches by its HTTP connector (`aws`). What is
//! deployed is read from `template.yaml` (`template`). So it shows what the emulator cannot: the
//! limit of messages in flight, fair groups, redrive, concurrency, and hours of retries.
//!
//! Two programs use it:
//!
//! * `program`: `scenarios` says who publishes what to which endpoints, and `results` what came
//!   of it. The program prints their tables; the tests run each scenario for an hour of virtual time.
//! * `soak`: many tenants with all kinds of endpoints, under all `faults` at once. It holds what
//!   endpoints got against what the system says of each delivery.
//!
//! What a simulation does not pass through: the sender of the delivery function (`endpoints`), the
//! admin API, and the `main` of each function.

mod aws;
mod behaviour;
mod clock;
mod comparison;
mod deployment;
mod dynamodb;
mod endpoints;
mod fates;
pub mod faults;
mod functions;
mod kinesis;
mod lambda;
mod ledger;
pub mod program;
mod refusal;
#[cfg(test)]
mod registry;
mod report;
mod results;
mod scale;
mod scenarios;
mod simulation;
pub mod soak;
mod sqs;
mod template;
mod tenants;
#[cfg(test)]
mod tests;
