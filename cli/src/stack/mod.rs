//! Which stack a command works on, and how the command reaches it.
//!
//! A [`connection`] leads to a deployed stack by its name, or to the local one. CloudFormation tells
//! the [`outputs`] of either. The local stack describes itself in a [`stack_file`] in its folder, and
//! holds the folder's [`lock`] while it runs.

pub mod command;
pub mod connection;
pub mod credentials;
pub mod local_stack;
pub mod lock;
pub mod outputs;
pub mod project;
pub mod stack_file;
