//! The admin API: apps manage their webhooks, read and replay their deliveries, and push events.
//!
//! API Gateway hands every request to this one function (a single `$default` route), and the
//! `router` tells them apart. A request passes through `http` first: its path becomes
//! canonical, its token becomes a caller, its call is counted, its media types are checked. Then a
//! route reads it, lets the domain judge it, and calls the operation of its room: `webhooks`,
//! `deliveries`, `replays`, `events` or `secrets`. An operation takes the `app`, a caller
//! and parsed input, and returns a value or an `error`; it knows nothing of HTTP, so pages can
//! call it as routes do. Only `error` turns a failure into a status and a text, and `openapi`
//! describes every route.
//!
//! Rooms use each other in one direction: `http < quotas < events < webhooks < deliveries < replays < panel`.
//!
//! Promises:
//!
//! - An app never sees another app's or another shop's webhooks and deliveries. Every key comes
//!   from the caller, and records that are read by their id alone are compared with the caller.
//! - An installation has no two equal webhooks: a slot for each is written in the same transaction.
//! - Causes of failures inside are logged here and never told outside.

mod app;
mod deliveries;
mod error;
mod events;
mod http;
mod openapi;
mod panel;
mod quotas;
mod replays;
mod router;
mod secrets;
mod settings;
mod webhooks;

pub use app::App;
pub use http::request_log::REQUEST_TIMEOUT;
pub use router::{description, service};
pub use settings::Settings;

#[cfg(test)]
mod stand_in;
