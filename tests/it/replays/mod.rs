//! Replays: deliveries that are sent again.

mod interrupted;
mod requests;
