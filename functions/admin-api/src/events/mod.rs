//! Events: what an app may subscribe to, and how it pushes events of its own.
//!
//! [`topics`] lists the catalogue. [`push`] reads events and puts them onto the [`stream`], where
//! the fan-out function takes them as it takes the store's own. `quotas` bounds how many.

pub(crate) mod topics;

pub(crate) mod push;
pub(crate) mod responses;
pub(crate) mod schemas;

pub(crate) mod new_id;
pub(crate) mod stream;

#[cfg(test)]
mod tests;
