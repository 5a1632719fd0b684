//! One-time links: how an app's own back end sends one of its people to the panel.
//!
//! The link's code is the only secret that is ever in a URL. It works once, for 10 minutes, and no
//! log holds query strings.

pub(crate) mod responses;
pub(crate) mod routes;
