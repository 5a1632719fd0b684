//! Lanes: the two SQS queues that a delivery passes through.

use serde::{Deserialize, Serialize};

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

    /// Whoever searches the log for what the history says must find it.
    #[test]
    fn a_lane_has_one_name_in_logs_and_in_the_history() -> Result<(), serde_json::Error> {
        for (lane, name) in [(Lane::Fast, "fast"), (Lane::Slow, "slow")] {
            assert_eq!((lane.as_str(), serde_json::to_value(lane)?), (name, name.into()));
        }
        Ok(())
    }
}
