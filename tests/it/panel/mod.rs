//! The control panel over HTTP: what a browser is told, and what no page can do.

mod client;
mod headers;
mod quotas;
mod sessions;
mod size;
