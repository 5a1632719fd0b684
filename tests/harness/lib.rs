//! What the tests of the whole system share: the local stack, started once; receivers that
//! record what they are sent; a client of the admin API.
//!
//! The stack is the one that `storehook local` runs, started as a user starts it, with
//! IAM enforced. Tests share it and stay out of each other's way by having a shop each.
//! What needs other parameters, or breaks things on purpose, deploys a stack of its own
//! into the same emulator.

mod api;
mod aws;
mod clients;
mod direct_api;
mod events;
mod histories;
mod installed;
mod queues;
mod receiver;
mod stack;

use std::{future::Future, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};

pub use api::{Answer, Api};
pub use clients::run_client;
pub use direct_api::{Call, DirectApi};
pub use events::{deliver, deliver_queued_at, record, stream_event};
pub use installed::Installed;
pub use receiver::{Delivered, Receiver};
pub use stack::Stack;

/// How long a test waits for something that should happen, before it fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The repository's folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Asks again and again until there is an answer, or patience ends.
pub async fn eventually<T, F>(what: &str, ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    eventually_within(PATIENCE, what, ask).await
}

/// Asks again and again until there is an answer, for so long at the most.
pub async fn eventually_within<T, F>(limit: Duration, what: &str, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let answered = async {
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(limit, answered).await.with_context(|| format!("waited in vain: {what}"))?
}
