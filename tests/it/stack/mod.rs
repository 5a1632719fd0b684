//! The stack: its template, its permissions, and the emulator's gaps.

pub(crate) mod template;

mod gaps;
mod limits;
mod needed_actions;
mod permissions;
mod policy;
