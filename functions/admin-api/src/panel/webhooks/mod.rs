//! The pages of webhooks.

pub(crate) mod webhook;

pub(crate) mod health;
pub(crate) mod history;
