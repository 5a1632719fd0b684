//! `storehook`: the operator's program, and the whole system on one machine.
//!
//! Without `--stack` a command works on the local stack that `storehook local` runs. With `--stack`
//! it works on a deployed stack, with the AWS credentials that the user already has. Secrets are
//! shown once, when they are made, and never kept.
//!
//! Each command has a file or a folder. `stack` leads the commands to a stack, and `output` is where
//! they all write.

pub mod output;
pub mod socket;
pub mod stack;

pub mod local;

pub mod input;
pub mod install;
pub mod panel_link;
pub mod publish;

pub mod listen;

pub mod redrive;
pub mod status;
