//! The retry schedule on simulated queues.
//!
//! Nobody documents whether SQS counts receives anew after it moves a message to the next queue, or
//! counts on. The schedule must work in both cases, so the tests simulate both.

use std::time::Duration;

use proptest::prelude::*;
use storehook_domain::delivery::schedule::{AGES, JITTER, Lane, RetrySchedule};

/// The visibility timeout of both queues in the template.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(360);

/// What SQS does with the receive count when it moves a message to the next queue.
#[derive(Debug, Clone, Copy)]
enum Redrive {
    CountsAnew,
    CountsOn,
}

/// What happens after one receive of a message.
#[derive(Debug, Clone, Copy)]
enum Receive {
    /// The attempt fails after `latency`, and the message is hidden until its next attempt.
    Fails { latency: f64, jitter: f64 },
    /// The process dies during the attempt. The message comes again after the visibility timeout.
    Crashes,
    /// The function never sees the message. It comes again after the visibility timeout.
    IsLost,
}

/// The life of a delivery to an endpoint that never responds.
#[derive(Debug, Default)]
struct Life {
    /// The ages at which an attempt failed.
    failed: Vec<Duration>,
    /// The number of attempts that were begun.
    begun: usize,
    /// The age at which the message reached the dead-letter queue.
    dead_at: Duration,
}

/// Runs SQS and the delivery function until the message is in the dead-letter queue.
fn live(redrive: Redrive, receives: impl Iterator<Item = Receive>) -> Life {
    let schedule = RetrySchedule::default();
    let mut receives = receives;
    let mut life = Life::default();
    let (mut lane, mut count, mut age) = (Lane::Fast, 0, Duration::ZERO);
    loop {
        count += 1;
        if count > lane.max_receive_count() {
            match (lane, redrive) {
                (Lane::Fast, Redrive::CountsAnew) => (lane, count) = (Lane::Slow, 0),
                (Lane::Fast, Redrive::CountsOn) => (lane, count) = (Lane::Slow, count - 1),
                (Lane::Slow, _) => {
                    life.dead_at = age;
                    return life;
                }
            }
            continue;
        }
        let receive = receives.next().unwrap_or(Receive::Fails { latency: 0.0, jitter: 0.5 });
        age += match receive {
            Receive::IsLost => VISIBILITY_TIMEOUT,
            _ if schedule.is_over(age) => Duration::ZERO,
            Receive::Crashes => {
                life.begun += 1;
                VISIBILITY_TIMEOUT
            }
            Receive::Fails { latency, jitter } => {
                life.begun += 1;
                life.failed.push(age);
                let latency = Duration::from_secs_f64(latency);
                let next = schedule.next(age + latency, None, jitter);
                latency
                    + Duration::from_secs(
                        u64::try_from(next.wait_seconds().unwrap_or_default()).unwrap_or_default(),
                    )
            }
        };
    }
}

fn fails() -> impl Strategy<Value = Receive> {
    (0.0..30.0_f64, 0.0..=1.0_f64).prop_map(|(latency, jitter)| Receive::Fails { latency, jitter })
}

fn any_receive() -> impl Strategy<Value = Receive> {
    prop_oneof![6 => fails(), 1 => Just(Receive::Crashes), 1 => Just(Receive::IsLost)]
}

fn redrive() -> impl Strategy<Value = Redrive> {
    prop_oneof![Just(Redrive::CountsAnew), Just(Redrive::CountsOn)]
}

proptest! {
    /// An endpoint that always fails gets twenty attempts, each at its age.
    #[test]
    fn a_failing_delivery_gets_all_attempts_at_their_ages_and_is_then_dead(
        redrive in redrive(),
        receives in prop::collection::vec((0.0..5.0_f64, 0.0..=1.0_f64), 24),
    ) {
        let fails = |(latency, jitter)| Receive::Fails { latency, jitter };
        let life = live(redrive, receives.into_iter().map(fails));
        prop_assert_eq!(life.failed.len(), AGES.len());
        for (number, (age, point)) in life.failed.iter().zip(AGES).enumerate() {
            let gap = point - number.checked_sub(1).map_or(0, |before| AGES[before]);
            // It may be late by jitter, the time of an attempt, and the rounding to seconds.
            let latest = point as f64 + gap as f64 * JITTER + 1.0;
            let is_in_time = age.as_secs() >= point && age.as_secs_f64() <= latest;
            prop_assert!(is_in_time, "attempt {} at {:?}, due at {}", number + 1, age, point);
        }
        prop_assert!(life.dead_at >= RetrySchedule::default().ends_at());
    }

    /// Whatever goes wrong, no point of the table has two failures and no receive has two attempts.
    /// SQS moves the message to the dead-letter queue before its retention ends.
    #[test]
    fn crashes_and_lost_receives_cost_attempts_but_never_the_delivery(
        redrive in redrive(),
        receives in prop::collection::vec(any_receive(), 0..30),
    ) {
        let life = live(redrive, receives.into_iter());
        let points: Vec<_> = life.failed.iter().map(|age| AGES.partition_point(|point| *point <= age.as_secs())).collect();
        prop_assert!(points.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", life);
        prop_assert!(life.failed.len() <= AGES.len());
        let receives = match redrive {
            Redrive::CountsAnew => Lane::Fast.max_receive_count() + Lane::Slow.max_receive_count(),
            Redrive::CountsOn => Lane::Slow.max_receive_count(),
        };
        prop_assert!(life.begun <= receives);
        prop_assert!(life.dead_at < Duration::from_secs(14 * 24 * 60 * 60), "SQS keeps it for 14 days");
    }
}
