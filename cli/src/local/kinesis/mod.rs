//! The Kinesis poller of the local stack.

mod batch;
mod checkpoints;
pub(super) mod poller;
