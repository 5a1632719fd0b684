//! Deliveries: from the stream to the endpoint, or to the dead letters.

mod arrival;
mod breaker;
mod crash;
mod dead_letters;
mod endpoints;
mod failing;
mod lifecycle;
mod redrive;
mod repeats;
mod topic_changes;
mod uninstalled;
mod verifiers;
mod waiting_limit;
mod wide;
