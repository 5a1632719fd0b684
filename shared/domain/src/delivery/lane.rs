//! Lanes: the two SQS queues that a delivery passes through.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest delay of a copy in the fast lane. An alarm tells when the oldest message there is over five
/// minutes old. AWS does not say whether a message that waits for its `DelaySeconds` counts: the metric
/// is "the age of the oldest unprocessed message in the queue", reported for "at least one active
/// message" (`ApproximateAgeOfOldestMessage`, Amazon SQS Developer Guide, "Available CloudWatch
/// metrics"). An endpoint may ask for a quarter of an hour, and must not wake anybody by it.
const LONGEST_FAST_DELAY: Duration = Duration::from_secs(60);

/// One of the two queues that a delivery passes through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// The delivery queue: first attempts and quick retries.
    #[default]
    Fast,
    /// The retry queue: slow retries.
    Slow,
}

impl Lane {
    /// Whether it is the fast lane.
    pub fn is_fast(&self) -> bool {
        *self == Self::Fast
    }

    /// The name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Slow => "slow",
        }
    }

    /// The lane of a copy that comes after this wait, of a message from this lane. A copy that waits for
    /// over a minute waits in the slow lane, and its delivery stays there. No alarm watches the age there.
    pub fn of_copy(self, wait: Duration) -> Self {
        if wait > LONGEST_FAST_DELAY { Self::Slow } else { self }
    }

    /// The `maxReceiveCount` of the lane's queue.
    ///
    /// The fast lane has the first two points of the schedule. A failing message is in flight there
    /// for 40 s, so up to 3,000 failures a second fit into the 120,000 places of a queue. The slow
    /// lane has twice as many receives as the schedule has points. So receives that are lost to
    /// crashes and throttling cost no attempt, whether or not SQS starts the count again when it
    /// moves a message to the slow lane.
    pub fn max_receive_count(self) -> usize {
        match self {
            Self::Fast => 2,
            Self::Slow => 40,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_waits_for_over_a_minute_waits_in_the_slow_lane() {
        for (lane, milliseconds, expected) in [
            (Lane::Fast, 0, Lane::Fast),
            (Lane::Fast, 60_000, Lane::Fast),
            (Lane::Fast, 60_001, Lane::Slow),
            (Lane::Fast, 900_000, Lane::Slow),
            (Lane::Slow, 1_000, Lane::Slow),
            (Lane::Slow, 900_000, Lane::Slow),
        ] {
            assert_eq!(
                lane.of_copy(Duration::from_millis(milliseconds)),
                expected,
                "{lane:?} {milliseconds}"
            );
        }
    }

    /// Whoever searches the log for what the history says must find it.
    #[test]
    fn a_lane_has_one_name_in_logs_and_in_the_history() -> Result<(), serde_json::Error> {
        for (lane, name) in [(Lane::Fast, "fast"), (Lane::Slow, "slow")] {
            assert_eq!((lane.as_str(), serde_json::to_value(lane)?), (name, name.into()));
        }
        Ok(())
    }
}
