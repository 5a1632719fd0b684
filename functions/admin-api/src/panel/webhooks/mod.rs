//! The pages of webhooks: which events go to which endpoint.
//!
//! [`list`] shows all of them, as a [`matrix`] and as a list. [`form`] creates and changes one,
//! [`status`] pauses and resumes it, and [`delete`] asks before it deletes.

pub(crate) mod endpoint;
pub(crate) mod matrix;
pub(crate) mod place;

pub(crate) mod delete;
pub(crate) mod form;
pub(crate) mod list;
pub(crate) mod status;

#[cfg(test)]
pub(crate) mod sample;
