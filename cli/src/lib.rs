//! `storehook`: the operator's program, and the whole system on one machine.
//!
//! Against a deployed stack it uses the AWS credentials that its user already has; by
//! default it speaks to the local stack that `storehook local` runs. It shows secrets
//! once, when they are made, and keeps none.

#![allow(clippy::print_stdout, reason = "a command-line program speaks on standard output")]

pub mod stack;

pub mod install;
pub mod listen;
pub mod local;
pub mod publish;
pub mod redrive;
pub mod status;
