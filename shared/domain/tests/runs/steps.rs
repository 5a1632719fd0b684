//! What may happen in the world, at random.

use std::ops::Range;

use proptest::prelude::*;

use crate::kinds::{Answer, Fault, Redrive};

/// What happens next in the world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) fault: Fault,
    pub(crate) answer: Answer,
    pub(crate) latency: i64,
    pub(crate) jitter: f64,
    /// Whether another receive begins before this one ends.
    pub(crate) overlaps: bool,
    pub(crate) which: usize,
    /// Whether SQS shows a message twice now.
    pub(crate) is_shown_twice: bool,
}

pub(crate) fn redrive() -> impl Strategy<Value = Redrive> {
    (any::<bool>(), any::<bool>()).prop_map(|(keeps_count, keeps_id)| Redrive { keeps_count, keeps_id })
}

pub(crate) fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        12 => Just(Fault::None),
        1 => Just(Fault::DiesAtOnce),
        1 => Just(Fault::DiesAfterPost),
        1 => Just(Fault::DiesAfterWrite),
        1 => Just(Fault::DiesAfterCopy),
        1 => Just(Fault::WriteIsLost),
        1 => Just(Fault::ReadIsLost),
        1 => Just(Fault::HistoryIsSilent),
    ]
}

pub(crate) fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        1 => Just(Answer::Takes),
        8 => Just(Answer::Fails),
        1 => Just(Answer::IsPaused),
        1 => (1..900_u64).prop_map(Answer::AsksForDelay),
        1 => (1..50_000_u64).prop_map(Answer::AsksForTime),
    ]
}

pub(crate) fn step(
    fault: impl Strategy<Value = Fault>,
    answer: impl Strategy<Value = Answer>,
) -> impl Strategy<Value = Step> {
    (fault, answer, 0..30_000_i64, 0.0..=1.0_f64, any::<bool>(), any::<usize>(), prop::bool::weighted(0.05))
        .prop_map(|(fault, answer, latency, jitter, overlaps, which, is_shown_twice)| Step {
            fault,
            answer,
            latency,
            jitter,
            overlaps,
            which,
            is_shown_twice,
        })
}

/// How far the clock of an operator's machine is ahead: up to three days, or as far behind.
pub(crate) fn skew() -> impl Strategy<Value = i64> {
    const DAYS: i64 = 3 * 24 * 60 * 60 * 1_000;
    prop_oneof![Just(0), -DAYS..DAYS]
}

/// When the history is silent: for up to a day within the 48 hours, in milliseconds.
pub(crate) fn silence() -> impl Strategy<Value = Range<i64>> {
    const HOUR: i64 = 60 * 60 * 1_000;
    prop_oneof![
        1 => Just(0..0),
        1 => (0..48 * HOUR, 0..24 * HOUR).prop_map(|(from, long)| from..from + long),
    ]
}
