//! Conflicts: another request wrote the same item first.
//!
//! Every write is conditional on the version that it was made from, so of two writes at once one is
//! refused. Its operation then reads again, judges again and writes again, a few times.

use crate::error::ApiError;

/// How often a write is tried in all.
const WRITE_ATTEMPTS: usize = 5;

/// Runs an operation again for as long as it ends in [`ApiError::Conflict`], and gives up after a
/// few times. The operation must read what it writes anew each time.
pub(crate) async fn retry_on_conflict<T, F>(mut operation: impl FnMut() -> F) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    for _ in 1..WRITE_ATTEMPTS {
        match operation().await {
            Err(ApiError::Conflict) => {}
            result => return result,
        }
    }
    operation().await
}
