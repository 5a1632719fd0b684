//! The waits between tries.
//!
//! The SDK retries calls that failed as a whole (see `sdk.rs`). It does not look into the response
//! of a batch: an entry that SQS failed to take (`SendMessageBatch`, `Failed`) or that DynamoDB
//! left unwritten (`BatchWriteItem`, `UnprocessedItems`) is a successful call to it. AWS recommends
//! that callers retry those with exponential backoff ("Error handling with DynamoDB", *Batch
//! operations and error handling*), and these are the waits.
//!
//! A conflict is retried by callers as well. Writers that met once would meet again if they waited
//! equally long, so each wait there is a random part of its backoff.

use std::time::Duration;

/// The waits before this number of further tries: 50 ms, 200 ms, 800 ms and so on, each four times
/// as long as the one before.
pub fn backoff(tries: usize) -> impl Iterator<Item = Duration> {
    (0..).map(|number| Duration::from_millis(50 * 4_u64.saturating_pow(number))).take(tries)
}

/// How often what met a conflict is tried again.
const TRIES_AFTER_CONFLICT: usize = 9;

/// The longest wait after a conflict.
const LONGEST_AFTER_CONFLICT: Duration = Duration::from_millis(500);

/// The waits before further tries of what met a conflict: less than 4 seconds together. Each is a
/// part of its backoff; `random` draws the part, from 0 to 1.
pub fn waits_after_conflict(mut random: impl FnMut() -> f64) -> impl Iterator<Item = Duration> {
    let longest = backoff(TRIES_AFTER_CONFLICT).map(|wait| wait.min(LONGEST_AFTER_CONFLICT));
    longest.map(move |longest| longest.mul_f64(random().clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_conflicts_each_wait_is_a_random_part_and_all_are_bounded() {
        let millis = |random: fn() -> f64| {
            waits_after_conflict(random).map(|wait| wait.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(millis(|| 1.0), [50, 200, 500, 500, 500, 500, 500, 500, 500]);
        assert_eq!(millis(|| 0.5), [25, 100, 250, 250, 250, 250, 250, 250, 250]);
        assert_eq!(millis(|| 0.0), [0; 9]);
        assert_eq!(millis(|| 7.0), millis(|| 1.0));
        let mut parts = [1.0, 0.5].into_iter().cycle();
        let waits = waits_after_conflict(|| parts.next().unwrap_or_default());
        assert_eq!(waits.take(3).map(|wait| wait.as_millis()).collect::<Vec<_>>(), [50, 100, 500]);
    }

    #[test]
    fn each_wait_is_four_times_the_one_before() {
        let waits: Vec<_> = backoff(4).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [50, 200, 800, 3_200]);
    }
}
