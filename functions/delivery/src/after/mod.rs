//! What follows an attempt, for the message, for the delivery's record and for the webhook.

pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod queues;
