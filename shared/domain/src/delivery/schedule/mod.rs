//! The schedule: the only place that knows when a failed delivery is attempted again.
//!
//! A delivery is attempted at 20 ages: at once, and then 19 times over 48 hours. Two SQS queues
//! share the ages: the *fast* lane has the first two and the *slow* lane the rest. So a dead
//! endpoint's backlog never stands in front of fresh events. SQS moves a message to the next queue
//! by itself, by `maxReceiveCount`.
//!
//! The wait depends on the delivery's **age** and not on the receive count, because AWS does not
//! document whether SQS starts that count again in the next queue. After a failure, the next
//! attempt is at the next point of the table. Jitter never shortens a wait: an attempt before its
//! point would get the same point again. A wait with its longest jitter ends before the point after
//! it, so no point is skipped.
//!
//! A failure after the last point is the last one. Its message is hidden until the latest moment at
//! which the last attempt can be made ([`RetrySchedule::ends_at`]). From then on, the message fails
//! at once each time it comes, until SQS moves it to the dead-letter queue. If the history is off
//! or does not respond, only a first receive is attempted after that moment, because the last
//! attempt may have been made already.

use std::time::Duration;

use crate::delivery::{
    disposition::{Disposition, LONGEST_WAIT},
    lane::Lane,
    outcome::Outcome,
};

/// The ages at which a delivery is attempted, in seconds. They are 0, 10 s, 40 s, 2 min 40 s, then
/// 7 min 40 s, 22 min 40 s, 52 min 40 s, 1 h 52 min 40 s, 3 h 52 min 40 s, and every four hours to
/// 47 h 52 min 40 s.
pub const AGES: [u64; 20] = [
    0, 10, 40, 160, 460, 1_360, 3_160, 6_760, 13_960, 28_360, 42_760, 57_160, 71_560, 85_960, 100_360,
    114_760, 129_160, 143_560, 157_960, 172_360,
];

/// The age at which all delays of an endpoint end.
pub const DELAYS_END_AT: Duration = Duration::from_secs(48 * 60 * 60);

/// The longest jitter, as a share of the wait.
pub const JITTER: f64 = 0.1;

/// How long a message waits at least for which there was no room. Within this time the attempts that
/// took the room have ended, but for those at integrations.
const CROWDED_WAIT: Duration = Duration::from_secs(10);

/// The longest wait of a message that is sent again (`DelaySeconds`, Amazon SQS API Reference).
const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// How long a message stays hidden at least after an attempt past the schedule, in seconds. SQS
/// shows it again until its count is used up, and where no record can be kept each time is an
/// attempt.
pub const SHORTEST_LAST_WAIT: u64 = 60;

/// The schedule. For tests and tours, its time can be compressed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetrySchedule {
    time_scale: f64,
}

impl RetrySchedule {
    /// The schedule with every age multiplied by `time_scale`; 1 is real time. `None` unless the
    /// factor is greater than 0 and at most 1.
    pub fn new(time_scale: f64) -> Option<Self> {
        (time_scale > 0.0 && time_scale <= 1.0).then_some(Self { time_scale })
    }

    /// The age at which the schedule ends: the last point, plus the longest jitter of the wait
    /// before it.
    pub fn ends_at(&self) -> Duration {
        let [.., before_last, last] = AGES;
        let longest_jitter = (last - before_last) as f64 * JITTER;
        self.scaled(last as f64 + longest_jitter)
    }

    /// Whether a delivery of this age is past its last attempt.
    pub fn is_over(&self, age: Duration) -> bool {
        age >= self.ends_at()
    }

    /// The latest age at which an attempt was due that is made at this age: the point of the table
    /// before it, with the longest jitter of the wait for it.
    pub fn latest_due(&self, age: Duration) -> Duration {
        let mut due = Duration::ZERO;
        for pair in AGES.windows(2) {
            let [before, point] = *pair else { continue };
            if self.scaled(point as f64) <= age {
                due = self.scaled(point as f64 + (point - before) as f64 * JITTER).min(age);
            }
        }
        due
    }

    /// What becomes of a message after an attempt with this outcome at this age; `jitter` as in
    /// [`Self::next`].
    pub fn after(&self, outcome: &Outcome, lane: Lane, age: Duration, jitter: f64) -> Disposition {
        match outcome {
            Outcome::Delivered => Disposition::Ack,
            Outcome::Delayed(wait) => self.delay(age, *wait),
            Outcome::Failed { retry_after, .. } => self.next(lane, age, *retry_after, jitter),
        }
    }

    /// What follows a failure at this age. `jitter` is a random share, from 0 to 1, of the longest
    /// jitter. An endpoint can ask for a longer wait, up to the longest time for which SQS hides a
    /// message, but not for a shorter one. Its wait is compressed like all others.
    pub fn next(&self, lane: Lane, age: Duration, retry_after: Option<Duration>, jitter: f64) -> Disposition {
        let Some(gap) = self.gap_after(age, jitter) else { return self.exhausted(age) };
        let asked = retry_after.unwrap_or_default().mul_f64(self.time_scale).mul_f64(lengthening(jitter));
        // The wait that SQS gets decides: a delivery is not dead if SQS shows it again in time.
        let due_in = gap.max(asked.min(LONGEST_WAIT));
        if age + due_in > self.ends_at() {
            return self.exhausted(age);
        }
        let hidden_for = match lane {
            Lane::Fast => gap,
            Lane::Slow => due_in,
        };
        Disposition::Retry { due_in, hidden_for }
    }

    /// What becomes of a message that comes before its attempt is due: it is hidden until then.
    pub fn wait(&self, lane: Lane, age: Duration, due_in: Duration, jitter: f64) -> Disposition {
        let hidden_for = match (lane, self.gap_after(age, jitter)) {
            (Lane::Fast, Some(gap)) => gap.min(due_in),
            (Lane::Fast, None) | (Lane::Slow, _) => due_in,
        };
        Disposition::Retry { due_in, hidden_for }
    }

    /// What follows if an endpoint asks for a delay at this age. A delay is not a failure. One that
    /// would end after [`DELAYS_END_AT`] exhausts the delivery.
    pub fn delay(&self, age: Duration, wait: Duration) -> Disposition {
        let wait = wait.mul_f64(self.time_scale);
        if age + wait <= self.scaled(DELAYS_END_AT.as_secs_f64()) {
            Disposition::Delay(wait)
        } else {
            self.exhausted(age)
        }
    }

    /// What follows if there was no room for an attempt at this age: the message comes again soon. It
    /// is sent again, so that it uses up no receive; after [`DELAYS_END_AT`] it is hidden, so that
    /// no chain of messages is endless. The wait grows with the age, to make a chain short, and
    /// `jitter` spreads those who came together.
    pub fn crowded(&self, age: Duration, jitter: f64) -> Disposition {
        let shortest = CROWDED_WAIT.mul_f64(self.time_scale);
        let wait = shortest.mul_f64(1.0 + jitter.clamp(0.0, 1.0)) + age / 100;
        let wait = wait.min(LONGEST_DELAY);
        if age + wait <= self.scaled(DELAYS_END_AT.as_secs_f64()) {
            Disposition::Delay(wait)
        } else {
            Disposition::retry(wait)
        }
    }

    /// What follows when the last attempt that somebody asked for by hand has failed.
    pub fn after_last_attempt(&self) -> Disposition {
        Disposition::Exhausted(self.scaled(SHORTEST_LAST_WAIT as f64))
    }

    fn exhausted(&self, age: Duration) -> Disposition {
        let shortest = self.scaled(SHORTEST_LAST_WAIT as f64);
        Disposition::Exhausted(self.ends_at().saturating_sub(age).max(shortest))
    }

    /// The wait from this age to the next point of the table.
    fn gap_after(&self, age: Duration, jitter: f64) -> Option<Duration> {
        let point = AGES.iter().map(|point| self.scaled(*point as f64)).find(|point| *point > age)?;
        Some((point - age).mul_f64(lengthening(jitter)))
    }

    fn scaled(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.time_scale)
    }
}

/// The factor of a wait: 1 to 1.1.
fn lengthening(jitter: f64) -> f64 {
    1.0 + JITTER * jitter.clamp(0.0, 1.0)
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self { time_scale: 1.0 }
    }
}

#[cfg(test)]
mod tests;
