//! The waits between tries.
//!
//! The SDK retries calls that failed as a whole (see `sdk.rs`). It does not look into the response
//! of a batch: an entry that SQS failed to take (`SendMessageBatch`, `Failed`) or that DynamoDB
//! left unwritten (`BatchWriteItem`, `UnprocessedItems`) is a successful call to it. AWS recommends
//! that callers retry those with exponential backoff ("Error handling with DynamoDB", *Batch
//! operations and error handling*), and these are the waits.

use std::time::Duration;

/// The waits before this number of further tries: 50 ms, 200 ms, 800 ms and so on, each four times
/// as long as the one before.
pub fn backoff(tries: usize) -> impl Iterator<Item = Duration> {
    (0..).map(|number| Duration::from_millis(50 * 4_u64.saturating_pow(number))).take(tries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_four_times_the_one_before() {
        let waits: Vec<_> = backoff(4).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [50, 200, 800, 3_200]);
    }
}
