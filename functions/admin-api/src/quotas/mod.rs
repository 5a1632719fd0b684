//! Quotas: how much an installation may have and do.
//!
//! [`webhooks`] counts the webhooks of an installation. [`pushes`] counts the events that it pushes,
//! each at a price that depends on the number of its webhooks. The quota of calls is in
//! `http::call_limit`, since it is checked before anything else is known about a request.

pub(crate) mod webhooks;

pub(crate) mod pushes;
