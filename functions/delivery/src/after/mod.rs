//! What follows an attempt: for its message, for its delivery's record and for its webhook.

pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod queues;
