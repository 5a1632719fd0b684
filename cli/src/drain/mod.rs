//! Working a queue off: receive messages, deal with them, delete those that are done.
//!
//! A receive hides a message from others for a quarter of an hour. Who works a queue off deletes a
//! message only once what becomes of it is confirmed elsewhere ([`source`]), and shows those again
//! that stay. In a long run, messages that were received long ago come again; [`taken`] tells them
//! from new ones, and says when there is nothing new.

pub mod source;
pub mod taken;

use std::future::pending;

/// Waits for Ctrl-C.
pub async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler Ctrl-C ends the process itself.
        pending().await
    }
}
