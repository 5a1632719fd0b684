//! When a failed delivery is tried again: the only place that knows.
//!
//! A delivery is attempted at 20 ages: at once, and then 19 times over 48 hours. Two
//! SQS queues share them: the *delivery* lane has the first four, close together, and
//! the *retry* lane the rest, so that a dead endpoint's backlog never stands in front
//! of fresh events. SQS moves a message on by itself, by `maxReceiveCount`.
//!
//! The wait is taken from the delivery's **age** and not from the receive count, because
//! nobody documents whether SQS starts that count anew in the next queue. After a
//! failure at some age, the next attempt is at the next point of the table. Jitter only
//! ever lengthens a wait: an attempt that came before its point would find the same
//! point again. The longest wait with its jitter is still shorter than the gap that
//! follows, so no point is passed over either.
//!
//! After the last point nothing says whether its attempt has been made already. So the
//! last attempt's message waits until the latest moment at which that attempt could have
//! been made ([`RetrySchedule::ends_at`]), and from then on no attempt is made: the
//! message is failed at once, again and again, until SQS moves it to the dead-letter queue.

use std::time::Duration;

use crate::delivery::{disposition::Disposition, outcome::Outcome};

/// The ages at which a delivery is attempted, in seconds: 0, 10 s, 40 s, 2 min 40 s, then
/// 7 min 40 s, 22 min 40 s, 52 min 40 s, 1 h 52 min 40 s, 3 h 52 min 40 s, and every four
/// hours to 47 h 52 min 40 s.
pub const AGES: [u64; 20] = [
    0, 10, 40, 160, 460, 1_360, 3_160, 6_760, 13_960, 28_360, 42_760, 57_160, 71_560, 85_960, 100_360,
    114_760, 129_160, 143_560, 157_960, 172_360,
];

/// The age at which no endpoint can delay a delivery any longer.
pub const DELAYS_END_AT: Duration = Duration::from_secs(48 * 60 * 60);

/// The most that jitter adds to a wait, as a share of it.
pub const JITTER: f64 = 0.1;

/// One of the two queues that a delivery passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The delivery queue: first attempts and quick retries.
    Fast,
    /// The retry queue: slow retries.
    Slow,
}

impl Lane {
    /// The name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Slow => "slow",
        }
    }

    /// The `maxReceiveCount` of the lane's queue.
    ///
    /// The delivery queue's is its number of points. The retry queue's is the whole
    /// table's: enough where SQS carries the count on from the delivery queue, and more
    /// than enough, with receives to spare, where it starts anew.
    pub fn max_receive_count(self) -> usize {
        match self {
            Self::Fast => 4,
            Self::Slow => AGES.len(),
        }
    }
}

/// The table, with time compressed for tests and tours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetrySchedule {
    time_scale: f64,
}

impl RetrySchedule {
    /// The table with every age multiplied by `time_scale`; 1 is real time. `None` unless
    /// it is greater than 0 and at most 1.
    pub fn new(time_scale: f64) -> Option<Self> {
        (time_scale > 0.0 && time_scale <= 1.0).then_some(Self { time_scale })
    }

    /// The age from which on no attempt is made: the last point, and its wait's longest jitter.
    pub fn ends_at(&self) -> Duration {
        let [.., before_last, last] = AGES;
        let longest_jitter = (last - before_last) as f64 * JITTER;
        self.scaled(last as f64 + longest_jitter)
    }

    /// Whether a delivery of this age is past its last attempt.
    pub fn is_over(&self, age: Duration) -> bool {
        age >= self.ends_at()
    }

    /// What becomes of a message whose attempt had this outcome at this age; `jitter` as in [`Self::next`].
    pub fn after(&self, outcome: &Outcome, age: Duration, jitter: f64) -> Disposition {
        match outcome {
            Outcome::Delivered => Disposition::Ack,
            Outcome::Delayed(wait) => self.delay(age, *wait),
            Outcome::Failed { retry_after, .. } => self.next(age, *retry_after, jitter),
        }
    }

    /// What follows a failure at this age. `jitter` is a random share, from 0 to 1, of the
    /// most that jitter adds. An endpoint that asks for a longer wait gets it, compressed as all
    /// waits are; what it asks for never comes before its time.
    pub fn next(&self, age: Duration, retry_after: Option<Duration>, jitter: f64) -> Disposition {
        let asked = retry_after.unwrap_or_default().mul_f64(self.time_scale).mul_f64(lengthening(jitter));
        match self.point_after(age, jitter) {
            // What is asked for may be later than any attempt is made.
            Disposition::Retry(wait) if age + wait.max(asked) > self.ends_at() => {
                Disposition::Exhausted(self.ends_at().saturating_sub(age))
            }
            Disposition::Retry(wait) => Disposition::Retry(wait.max(asked)),
            exhausted => exhausted,
        }
    }

    /// What follows when an endpoint asks at this age for a delay: the delay, which is no failure, unless it
    /// would end later than [`DELAYS_END_AT`].
    pub fn delay(&self, age: Duration, wait: Duration) -> Disposition {
        let wait = wait.mul_f64(self.time_scale);
        if age + wait <= self.scaled(DELAYS_END_AT.as_secs_f64()) {
            Disposition::Delay(wait)
        } else {
            Disposition::Exhausted(self.ends_at().saturating_sub(age))
        }
    }

    fn point_after(&self, age: Duration, jitter: f64) -> Disposition {
        match AGES.iter().map(|point| self.scaled(*point as f64)).find(|point| *point > age) {
            Some(point) => Disposition::Retry((point - age).mul_f64(lengthening(jitter))),
            None => Disposition::Exhausted(self.ends_at().saturating_sub(age)),
        }
    }

    fn scaled(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.time_scale)
    }
}

/// What a wait is multiplied by: 1 to 1.1.
fn lengthening(jitter: f64) -> f64 {
    1.0 + JITTER * jitter.clamp(0.0, 1.0)
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self { time_scale: 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REAL: RetrySchedule = RetrySchedule { time_scale: 1.0 };

    #[test]
    fn the_table_is_the_one_the_contract_promises() {
        let minutes = |hours: u64, minutes: u64| (hours * 60 + minutes) * 60;
        let rounded_up: Vec<_> = AGES.iter().skip(7).map(|age| age.div_ceil(60) * 60).collect();
        assert_eq!(
            AGES[..7],
            [0, 10, 40, minutes(0, 2) + 40, minutes(0, 7) + 40, minutes(0, 22) + 40, minutes(0, 52) + 40]
        );
        assert_eq!(rounded_up[..2], [minutes(1, 53), minutes(3, 53)]);
        assert!(
            AGES[8..]
                .windows(2)
                .all(|pair| matches!(pair, [before, after] if after - before == minutes(4, 0)))
        );
        assert_eq!(rounded_up.last(), Some(&minutes(47, 53)));
        assert_eq!(AGES.len(), 20, "the first attempt and 19 retries");
    }

    #[test]
    fn a_failure_waits_for_the_next_point_after_its_age() {
        let seconds = Duration::from_secs;
        for (age, next) in [
            (seconds(0), Disposition::Retry(seconds(10))),
            (seconds(5), Disposition::Retry(seconds(5))),
            (seconds(10), Disposition::Retry(seconds(30))),
            (seconds(161), Disposition::Retry(seconds(299))),
            (seconds(172_359), Disposition::Retry(seconds(1))),
            (seconds(172_360), Disposition::Exhausted(seconds(1_440))),
            (seconds(173_799), Disposition::Exhausted(seconds(1))),
            (seconds(173_800), Disposition::Exhausted(seconds(0))),
            (seconds(999_999), Disposition::Exhausted(seconds(0))),
        ] {
            assert_eq!(REAL.next(age, None, 0.0), next, "{age:?}");
        }
        assert_eq!(REAL.next(seconds(0), None, 1.0), Disposition::Retry(seconds(11)));
    }

    #[test]
    fn retry_after_moves_an_attempt_later_and_never_earlier() {
        let seconds = Duration::from_secs;
        for (age, retry_after, wait) in [
            (seconds(0), seconds(5), seconds(10)),
            (seconds(0), seconds(10), seconds(10)),
            (seconds(0), seconds(11), seconds(11)),
            (seconds(28_360), seconds(14_399), seconds(14_400)),
            (seconds(28_360), seconds(43_200), seconds(43_200)),
        ] {
            assert_eq!(
                REAL.next(age, Some(retry_after), 0.0),
                Disposition::Retry(wait),
                "{age:?} {retry_after:?}"
            );
        }
        assert_eq!(REAL.next(seconds(0), Some(seconds(5)), 1.0), Disposition::Retry(seconds(11)));
        assert_eq!(
            REAL.next(seconds(172_360), Some(seconds(9_999)), 0.0),
            Disposition::Exhausted(seconds(1_440))
        );
        let hundredth = RetrySchedule { time_scale: 0.01 };
        assert_eq!(hundredth.next(seconds(0), Some(seconds(200)), 0.0), Disposition::Retry(seconds(2)));
        assert_eq!(
            hundredth.next(seconds(0), Some(seconds(200)), 1.0),
            Disposition::Retry(Duration::from_millis(2_200))
        );
    }

    #[test]
    fn an_endpoint_can_delay_until_48_hours_are_over() {
        let seconds = Duration::from_secs;
        for (age, wait, next) in [
            (seconds(0), seconds(60), Disposition::Delay(seconds(60))),
            (seconds(172_740), seconds(60), Disposition::Delay(seconds(60))),
            (seconds(172_741), seconds(60), Disposition::Exhausted(seconds(1_059))),
            (seconds(172_800), seconds(900), Disposition::Exhausted(seconds(1_000))),
        ] {
            assert_eq!(REAL.delay(age, wait), next, "{age:?}");
        }
        let hundredth = RetrySchedule { time_scale: 0.01 };
        assert_eq!(hundredth.delay(seconds(0), seconds(60)), Disposition::Delay(Duration::from_millis(600)));
        assert_eq!(hundredth.delay(seconds(1_728), seconds(60)), Disposition::Exhausted(seconds(10)));
    }

    #[test]
    fn time_is_compressed_and_never_stretched_or_stopped() {
        for (scale, is_valid) in
            [(1.0, true), (0.0001, true), (0.0, false), (-1.0, false), (1.1, false), (f64::NAN, false)]
        {
            assert_eq!(RetrySchedule::new(scale).is_some(), is_valid, "{scale}");
        }
        let tenth = RetrySchedule { time_scale: 0.1 };
        assert_eq!(tenth.next(Duration::ZERO, None, 0.0), Disposition::Retry(Duration::from_secs(1)));
    }

    proptest! {
        /// An endpoint that always fails, whatever the jitter and however long each attempt takes
        /// within its timeout, is tried once for each point and then no more.
        #[test]
        fn a_dead_endpoint_is_attempted_exactly_once_for_each_point(
            steps in prop::collection::vec((0.0..=1.0f64, 0.0..5.0f64), 64),
        ) {
            let mut age = Duration::ZERO;
            let mut attempts = Vec::new();
            for (jitter, latency) in steps {
                if REAL.is_over(age) {
                    break;
                }
                attempts.push(age);
                age += Duration::from_secs_f64(latency);
                let next = REAL.next(age, None, jitter);
                age += Duration::from_secs(u64::try_from(next.wait_seconds().unwrap_or_default()).unwrap_or(0));
            }
            prop_assert!(REAL.is_over(age));
            prop_assert_eq!(attempts.len(), AGES.len());
            for (attempt, point) in attempts.iter().zip(AGES) {
                prop_assert!(attempt.as_secs() >= point);
            }
        }
    }

    /// An attempt that would come after the last one is none: the delivery is given up at once.
    #[test]
    fn an_endpoint_that_asks_for_more_time_than_there_is_gets_none() {
        let schedule = RetrySchedule::default();
        let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
        assert!(
            matches!(schedule.next(hours(43), Some(hours(4)), 0.0), Disposition::Retry(wait) if wait >= hours(4))
        );
        let next = schedule.next(hours(43), Some(hours(12)), 0.0);
        assert_eq!(next, Disposition::Exhausted(schedule.ends_at() - hours(43)));
    }
}
