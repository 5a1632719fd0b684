//! Waiting for what should happen.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, Result};

/// How long a test waits for something that should happen, before it fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again and again until there is a result, or patience ends.
pub async fn eventually<T, F>(what: &str, ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    eventually_within(PATIENCE, what, ask).await
}

/// Asks again and again until there is a result, for so long at the most.
pub async fn eventually_within<T, F>(limit: Duration, what: &str, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let answered = async {
        loop {
            if let Some(response) = ask().await? {
                return Ok(response);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(limit, answered).await.with_context(|| format!("waited in vain: {what}"))?
}
