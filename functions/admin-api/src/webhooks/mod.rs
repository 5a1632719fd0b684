//! Webhooks: an app's subscriptions on a shop.
//!
//! [`routes`] read requests and print [`responses`]; [`operations`] list, create, change and
//! delete; the [`store`] reads and writes the registry table, each change in one [`transaction`]
//! over the webhook and its slot. The installation keeps their count (`quotas`). A change that
//! another one overtakes is made again from what is there now. The endpoint's [`health`] is shown with
//! a webhook.

pub(crate) mod routes;

pub(crate) mod responses;
pub(crate) mod schemas;

pub(crate) mod health;
pub(crate) mod operations;
pub(crate) mod store;
pub(crate) mod transaction;

#[cfg(test)]
mod tests;
