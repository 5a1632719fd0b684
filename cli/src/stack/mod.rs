//! Which stack a command speaks to, and how it is reached.

pub mod connection;
pub mod local_stack;
pub mod lock;
pub mod project;
pub mod stack_file;
