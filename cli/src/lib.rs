//! `storehook`: the operator's program, and the whole system on one machine.
//!
//! Without `--stack` every command speaks to the local stack that `storehook local` runs; with it,
//! to a deployed one, with the AWS credentials that its user already has. Secrets are shown once,
//! when they are made, and never kept.
//!
//! One file or folder for each command; `stack` is how they reach a stack.

#![allow(clippy::print_stdout, reason = "a command-line program speaks on standard output")]

pub mod stack;

pub mod local;

pub mod install;
pub mod publish;

pub mod listen;

pub mod redrive;
pub mod status;
