//! The admin API: every call, who may make it, and its responses.

pub(crate) mod openapi;

mod access;
mod any_value;
mod bad_input;
mod call_limit;
mod clients;
mod http;
mod lists;
mod lost_responses;
mod page;
mod page_links;
mod quotas;
mod races;
mod secrets;
mod webhooks;
