//! HTTP: what every request passes through, whatever it asks for.
//!
//! In this order: [`paths`] makes its path canonical; [`request_log`] times it and logs one line;
//! [`admission`] turns its token ([`tokens`]) into a [`caller`] and counts the call
//! ([`call_limit`]); [`negotiation`] checks its media types. Routes read ids and bodies with
//! [`bodies`], print times with [`local_time`], and lead to the pages of lists by [`page_links`], at
//! the API's [`own_url`]; [`schemas`] holds what the descriptions of several rooms share.

pub(crate) mod paths;

pub(crate) mod request_log;

pub(crate) mod admission;
pub(crate) mod bucket;
pub(crate) mod call_limit;
pub(crate) mod caller;
pub(crate) mod tokens;

pub(crate) mod negotiation;

pub(crate) mod bodies;
pub(crate) mod local_time;
pub(crate) mod own_url;
pub(crate) mod page_links;
pub(crate) mod schemas;

#[cfg(test)]
mod tests;
