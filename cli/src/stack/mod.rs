//! Which stack a command speaks to, and how it is reached.

pub mod connection;
pub mod stack_file;
