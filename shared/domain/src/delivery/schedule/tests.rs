//! The schedule, point by point.

use proptest::prelude::*;

use super::*;
use crate::delivery::outcome::FailedAttempt;

const REAL: RetrySchedule = RetrySchedule { time_scale: 1.0 };

#[test]
fn the_table_has_the_promised_ages() {
    let minutes = |hours: u64, minutes: u64| (hours * 60 + minutes) * 60;
    let rounded_up: Vec<_> = AGES.iter().skip(7).map(|age| age.div_ceil(60) * 60).collect();
    assert_eq!(
        AGES[..7],
        [0, 10, 40, minutes(0, 2) + 40, minutes(0, 7) + 40, minutes(0, 22) + 40, minutes(0, 52) + 40]
    );
    assert_eq!(rounded_up[..2], [minutes(1, 53), minutes(3, 53)]);
    assert!(
        AGES[8..].windows(2).all(|pair| matches!(pair, [before, after] if after - before == minutes(4, 0)))
    );
    assert_eq!(rounded_up.last(), Some(&minutes(47, 53)));
    assert_eq!(AGES.len(), 20, "the first attempt and 19 retries");
}

#[test]
fn a_failure_waits_for_the_next_point_after_its_age() {
    let seconds = Duration::from_secs;
    for (age, next) in [
        (seconds(0), Disposition::retry(seconds(10))),
        (seconds(5), Disposition::retry(seconds(5))),
        (seconds(10), Disposition::retry(seconds(30))),
        (seconds(161), Disposition::retry(seconds(299))),
        (seconds(172_359), Disposition::retry(seconds(1))),
        (seconds(172_360), Disposition::Exhausted(seconds(1_440))),
        (seconds(173_799), Disposition::Exhausted(seconds(60))),
        (seconds(173_800), Disposition::Exhausted(seconds(60))),
        (seconds(999_999), Disposition::Exhausted(seconds(60))),
    ] {
        assert_eq!(REAL.next(Lane::Slow, age, None, 0.0), next, "{age:?}");
    }
    assert_eq!(REAL.next(Lane::Slow, seconds(0), None, 1.0), Disposition::retry(seconds(11)));
}

#[test]
fn an_attempt_was_due_at_the_point_before_its_age_with_the_longest_jitter() {
    for (age, due) in
        [(0.0, 0.0), (9.9, 0.0), (10.0, 10.0), (10.5, 10.5), (39.0, 11.0), (172_360.0, 172_360.0)]
    {
        assert_eq!(REAL.latest_due(Duration::from_secs_f64(age)), Duration::from_secs_f64(due), "{age}");
    }
    assert_eq!(REAL.latest_due(Duration::from_secs(999_999)), REAL.ends_at());
}

#[test]
fn retry_after_moves_an_attempt_later_and_never_earlier() {
    let seconds = Duration::from_secs;
    for (age, retry_after, wait) in [
        (seconds(0), seconds(5), seconds(10)),
        (seconds(0), seconds(10), seconds(10)),
        (seconds(0), seconds(11), seconds(11)),
        (seconds(28_360), seconds(14_399), seconds(14_400)),
        (seconds(28_360), seconds(43_080), seconds(43_080)),
        (seconds(28_360), seconds(43_200), seconds(43_080)),
    ] {
        assert_eq!(
            REAL.next(Lane::Slow, age, Some(retry_after), 0.0),
            Disposition::retry(wait),
            "{age:?} {retry_after:?}"
        );
    }
    assert_eq!(REAL.next(Lane::Slow, seconds(0), Some(seconds(5)), 1.0), Disposition::retry(seconds(11)));
    assert_eq!(
        REAL.next(Lane::Slow, seconds(172_360), Some(seconds(9_999)), 0.0),
        Disposition::Exhausted(seconds(1_440))
    );
    let hundredth = RetrySchedule { time_scale: 0.01 };
    assert_eq!(
        hundredth.next(Lane::Slow, seconds(0), Some(seconds(200)), 0.0),
        Disposition::retry(seconds(2))
    );
    assert_eq!(
        hundredth.next(Lane::Slow, seconds(0), Some(seconds(200)), 1.0),
        Disposition::retry(Duration::from_millis(2_200))
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

/// A chain of messages ends, and is short: the wait is at least a hundredth of the age.
#[test]
fn a_message_without_room_comes_again_soon_and_is_sent_again_for_48_hours_at_most() {
    let seconds = Duration::from_secs;
    let schedule = RetrySchedule::default();
    for (age, jitter, disposition) in [
        (0, 0.0, Disposition::Delay(seconds(10))),
        (0, 1.0, Disposition::Delay(seconds(20))),
        (1_000, 0.0, Disposition::Delay(seconds(20))),
        (100_000, 1.0, Disposition::Delay(seconds(900))),
        (171_900, 0.0, Disposition::Delay(seconds(900))),
        (171_901, 0.0, Disposition::retry(seconds(900))),
        (1_000_000, 0.0, Disposition::retry(seconds(900))),
    ] {
        assert_eq!(schedule.crowded(seconds(age), jitter), disposition, "{age} s");
    }
    let compressed = RetrySchedule::new(0.01).map(|schedule| schedule.crowded(seconds(1), 0.0));
    assert_eq!(compressed, Some(Disposition::Delay(Duration::from_millis(110))));
}

#[test]
fn the_time_scale_is_above_0_and_at_most_1() {
    for (scale, is_valid) in
        [(1.0, true), (0.0001, true), (0.0, false), (-1.0, false), (1.1, false), (f64::NAN, false)]
    {
        assert_eq!(RetrySchedule::new(scale).is_some(), is_valid, "{scale}");
    }
    let tenth = RetrySchedule { time_scale: 0.1 };
    assert_eq!(tenth.next(Lane::Slow, Duration::ZERO, None, 0.0), Disposition::retry(Duration::from_secs(1)));
}

proptest! {
    /// A delivery to an endpoint that always fails is attempted once for each point and then no
    /// more, whatever the jitter and however long each attempt takes within its timeout.
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
            let next = REAL.next(Lane::Slow, age, None, jitter);
            age += Duration::from_secs(u64::try_from(next.wait_seconds().unwrap_or_default()).unwrap_or(0));
        }
        prop_assert!(REAL.is_over(age));
        prop_assert_eq!(attempts.len(), AGES.len());
        for (attempt, point) in attempts.iter().zip(AGES) {
            prop_assert!(attempt.as_secs() >= point);
        }
    }
}

/// The wait that SQS gets decides. SQS hides a message for less than 12 hours. So a delivery is not
/// dead because a longer wait would end after the schedule.
#[test]
fn a_delivery_is_dead_only_if_the_wait_that_sqs_gets_ends_after_the_schedule() {
    let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
    for (age, retry_after, is_dead) in [
        (hours(36), hours(12), false),
        (hours(36), hours(48), false),
        (hours(43), hours(4), false),
        (hours(43), hours(12), true),
        // The schedule ends at 48 h 16 min 40 s.
        (Duration::from_secs(172_000), Duration::from_secs(1_800), false),
        (Duration::from_secs(172_000), Duration::from_secs(1_801), true),
    ] {
        let next = REAL.next(Lane::Slow, age, Some(retry_after), 0.0);
        match next {
            Disposition::Retry { due_in, hidden_for } => {
                assert!(
                    !is_dead && due_in == hidden_for && due_in >= retry_after.min(LONGEST_WAIT),
                    "{age:?}"
                );
            }
            other => assert_eq!(
                (is_dead, other),
                (true, Disposition::Exhausted((REAL.ends_at() - age).max(Duration::from_secs(60))))
            ),
        }
    }
}

/// The fast lane hides a message no longer than the table says, so that its places become free.
#[test]
fn the_fast_lane_leaves_the_rest_of_a_long_wait_to_the_slow_lane() {
    let seconds = Duration::from_secs;
    let retry =
        |due_in, hidden_for| Disposition::Retry { due_in: seconds(due_in), hidden_for: seconds(hidden_for) };
    for (lane, age, expected) in [
        (Lane::Fast, 0, retry(3_600, 10)),
        (Lane::Fast, 10, retry(3_600, 30)),
        (Lane::Slow, 40, retry(3_600, 3_600)),
    ] {
        assert_eq!(REAL.next(lane, seconds(age), Some(seconds(3_600)), 0.0), expected);
        assert_eq!(REAL.wait(lane, seconds(age), seconds(3_600), 0.0), expected);
    }
    assert_eq!(REAL.wait(Lane::Fast, seconds(0), seconds(5), 0.0), retry(5, 5));
}

#[test]
fn each_outcome_has_the_right_disposition() {
    let failed = Outcome::failed(FailedAttempt::TimedOut);
    let delayed = Outcome::Delayed(Duration::from_secs(60));
    for (outcome, expected) in [
        (Outcome::Delivered, Disposition::Ack),
        (failed, Disposition::retry(Duration::from_secs(10))),
        (delayed, Disposition::Delay(Duration::from_secs(60))),
    ] {
        assert_eq!(REAL.after(&outcome, Lane::Fast, Duration::ZERO, 0.0), expected);
    }
}
