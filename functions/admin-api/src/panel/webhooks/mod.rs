//! The pages of webhooks: which events go to which endpoint.
//!
//! [`list`] shows all of them, as a [`matrix`] and as a list. [`form`] creates and changes one,
//! [`status`] pauses and resumes it, and [`delete`] asks before it deletes. [`webhook`] shows one:
//! its [`health`], its deliveries and its [`history`].

pub(crate) mod endpoint;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod matrix;
pub(crate) mod place;

pub(crate) mod delete;
pub(crate) mod form;
pub(crate) mod list;
pub(crate) mod status;
pub(crate) mod webhook;

#[cfg(test)]
pub(crate) mod sample;
