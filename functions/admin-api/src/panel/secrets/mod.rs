//! The pages of the shared secrets: which ones [sign](signing), how to [rotate](rotation) them, and
//! a [verifier](verify) for requests that an endpoint received.
//!
//! A page shows a secret's value once, in the response to the rotation that made it.

pub(crate) mod rotation;
pub(crate) mod signing;
pub(crate) mod verify;
