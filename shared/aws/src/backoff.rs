//! How long to wait before trying again.

use std::time::Duration;

/// The waits before each of so many further tries: 50 ms, 200 ms, 800 ms, and so on by four.
///
/// They are for what the SDK does not try again by itself: an entry of a batch that a service
/// throttled or left unprocessed is no error to it.
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
