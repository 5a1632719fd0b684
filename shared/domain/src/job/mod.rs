//! Work that makes many messages and takes many steps, as values.

pub mod replay;
