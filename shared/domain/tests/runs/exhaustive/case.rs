//! A case of the model.

use storehook_domain::delivery::{lane::Lane, run::RunId, schedule::AGES};

use crate::kinds::{Answer, Redrive};

/// What an endpoint answers that counts as a mishap.
pub(crate) const UNUSUAL: [Answer; 5] = [
    Answer::IsPaused,
    Answer::IsDeleted,
    Answer::AsksForDelay(30),
    Answer::AsksForDelay(900),
    Answer::AsksForTime(3_600),
];
/// A case: what is queued, and what may happen to it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The run of each message.
    pub(crate) messages: Vec<RunId>,
    /// How old the messages are when the first of them may be received, in seconds.
    pub(crate) age: u64,
    /// How many mishaps there are at most.
    pub(crate) mishaps: u8,
    /// How many receives the slow lane allows.
    pub(crate) slow_receives: usize,
    pub(crate) redrive: Redrive,
}

impl Case {
    /// The receives that the queue of a lane allows.
    pub(crate) fn receives(&self, lane: Lane) -> usize {
        match lane {
            Lane::Fast => lane.max_receive_count(),
            Lane::Slow => self.slow_receives,
        }
    }

    /// The most attempts of a run without a mishap: one at once, and one at each point that is left.
    pub(crate) fn attempts(&self) -> usize {
        1 + AGES.iter().filter(|point| **point > self.age).count()
    }
}
