//! The shared secret of an installation, and how its app rotates it.
//!
//! A rotation writes the new secret beside the older ones, on the condition that they are still
//! what it read. Until the overlap ends, deliveries carry the signatures of all of them.

pub(crate) mod responses;
pub(crate) mod routes;
pub(crate) mod schemas;
pub(crate) mod store;

#[cfg(test)]
mod tests;
