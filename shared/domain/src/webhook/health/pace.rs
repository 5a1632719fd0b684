//! The pace of a webhook's endpoint: whether its deliveries belong in the slow lane.
//!
//! An endpoint that takes seconds for each delivery would take the fast lane's concurrency from
//! everybody. So a webhook whose attempts take over a second on average is marked, and fan-out queues
//! its deliveries into the slow lane. The webhook comes back when its attempts take less than half of
//! that. With one threshold for both ways, an endpoint near it would change lanes all the time.
//!
//! An execution environment judges by its own attempts, [`WINDOW`] at a time. Many environments
//! judge at the same time, so a mark stays for [`SHORTEST_STAY`] at least.

use std::time::Duration;

use jiff::SignedDuration;

/// After how many attempts a webhook is judged.
pub const WINDOW: u32 = 10;

/// How long a webhook stays in a lane at least.
pub const SHORTEST_STAY: SignedDuration = SignedDuration::from_mins(10);

/// The share of the threshold under which a slow webhook counts as quick again.
const QUICK_AGAIN: f64 = 0.5;

/// The attempts of a webhook that have not been judged yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    attempts: u32,
    total: Duration,
}

/// How a webhook's endpoint was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is slow: its deliveries belong in the slow lane.
    Slow,
    /// It is quick again.
    Quick,
}

impl Pace {
    /// Adds an attempt that took `latency`. After [`WINDOW`] attempts the window begins anew; a
    /// judgement is returned only if the webhook must change its lane.
    pub fn add(&mut self, latency: Duration, is_slow: bool, slow_after: Duration) -> Option<Judgement> {
        self.attempts += 1;
        self.total += latency;
        if self.attempts < WINDOW {
            return None;
        }
        let mean = std::mem::take(self).total / WINDOW;
        if !is_slow && mean > slow_after {
            Some(Judgement::Slow)
        } else if is_slow && mean <= slow_after.mul_f64(QUICK_AGAIN) {
            Some(Judgement::Quick)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ten attempts of so many milliseconds each come to; before the tenth, nothing is judged.
    fn judge(millis: u64, is_slow: bool) -> Option<Judgement> {
        let mut pace = Pace::default();
        let mut add = || pace.add(Duration::from_millis(millis), is_slow, Duration::from_secs(1));
        assert!((1..WINDOW).all(|_| add().is_none()));
        let judgement = add();
        assert_eq!(pace, Pace::default(), "the next window begins");
        judgement
    }

    #[test]
    fn a_webhook_changes_lanes_at_two_different_paces() {
        for (millis, of_a_quick_one, of_a_slow_one) in [
            (100, None, Some(Judgement::Quick)),
            (500, None, Some(Judgement::Quick)),
            (501, None, None),
            (1_000, None, None),
            (1_001, Some(Judgement::Slow), None),
            (5_000, Some(Judgement::Slow), None),
        ] {
            assert_eq!(judge(millis, false), of_a_quick_one, "{millis} ms, quick so far");
            assert_eq!(judge(millis, true), of_a_slow_one, "{millis} ms, slow so far");
        }
    }
}
