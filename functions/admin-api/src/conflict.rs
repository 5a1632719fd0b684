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

#[cfg(test)]
mod tests {
    use super::*;

    /// How often an operation runs that ends in these errors and then succeeds, and whether it did.
    async fn runs(errors: Vec<ApiError>) -> (usize, bool) {
        let (mut runs, mut errors) = (0, errors.into_iter());
        let result = retry_on_conflict(|| {
            runs += 1;
            std::future::ready(errors.next().map_or(Ok(()), Err))
        });
        let is_done = result.await.is_ok();
        (runs, is_done)
    }

    #[tokio::test]
    async fn only_conflicts_are_retried_and_not_forever() {
        let conflicts = |count| std::iter::repeat_with(|| ApiError::Conflict).take(count).collect();
        assert_eq!(runs(Vec::new()).await, (1, true));
        assert_eq!(runs(conflicts(4)).await, (5, true));
        assert_eq!(runs(conflicts(9)).await, (5, false));
        assert_eq!(runs(vec![ApiError::NotFound]).await, (1, false));
        assert_eq!(runs(vec![ApiError::Conflict, ApiError::NotFound]).await, (2, false));
    }
}
