//! How long a step waits that could not reach DynamoDB or SQS.
//!
//! The message stays in its queue, hidden for the wait, and comes again. The waits grow to 15
//! minutes, and the queue allows [`MAX_RECEIVE_COUNT`] receives, so an outage of 48 hours is ridden
//! out.

use std::time::Duration;

/// How often SQS hands a job's message over before it goes to the rejected queue.
pub const MAX_RECEIVE_COUNT: u32 = 200;

/// The wait after the first receive.
const FIRST_WAIT: Duration = Duration::from_secs(10);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// The wait after a message was received for the `receive_count`-th time: 10 s, 20 s, 40 s and so
/// on, at most 15 minutes.
pub fn wait_after(receive_count: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(receive_count.saturating_sub(1));
    FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_fifteen_minutes() {
        let waits: Vec<_> = [0, 1, 2, 7, 8, 200, u32::MAX].into_iter().map(wait_after).collect();
        assert_eq!(waits, [10, 10, 20, 640, 900, 900, 900].map(Duration::from_secs));
    }

    #[test]
    fn the_receives_ride_out_an_outage_of_two_days() {
        let all: Duration = (1..MAX_RECEIVE_COUNT).map(wait_after).sum();
        assert!(all >= Duration::from_secs(48 * 60 * 60), "{all:?}");
    }
}
