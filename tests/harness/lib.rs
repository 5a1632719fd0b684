//! What the tests of the whole system share: the local stack, started once; receivers that
//! record what they are sent; a client of the admin API.
//!
//! The stack is the one that `storehook local` runs, started as a user starts it, with
//! IAM enforced. Tests share it and stay out of each other's way by having a shop each.
//! What needs other parameters, or breaks things on purpose, deploys a stack of its own
//! into the same emulator, which is deleted when the test ends.

mod api;
mod aws;
pub mod bench;
mod clients;
mod deletion;
mod direct_api;
mod events;
mod histories;
mod installed;
mod local;
mod many_webhooks;
mod node;
mod queues;
mod receiver;
mod repository;
mod stack;
mod waiting;

pub use api::{Api, ApiResponse, client_builder};
pub use clients::run_client;
pub use direct_api::{Call, DirectApi};
pub use events::{deliver, deliver_from, deliver_queued_at, job_event, record, stream_event};
pub use installed::Installed;
pub use local::{ALLOWED_NETWORK, BOUND_TO, Local};
pub use node::{node_packages, succeeded};
pub use receiver::{Delivered, Receiver};
pub use repository::root;
pub use stack::Stack;
pub use waiting::{PATIENCE, eventually, eventually_within};
