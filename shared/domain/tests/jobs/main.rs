//! Jobs as state machines: a replay and a share of a large fan-out.
//!
//! Who takes part: the message of the next step, which SQS may hand over twice, late or out of turn,
//! under its id or another one; the fan-out function, which may die before or after it notes a step; and the
//! owner, who may stop a replay. Which step is made, what is noted and what comes next is decided by the
//! domain's own code. The model knows only how many deliveries there are and whether the owner
//! stopped the job.
//!
//! Promises: each delivery is sent, and counted once; no noted step sends what an earlier one sent;
//! and every chain of steps ends, however many there are.

mod queue;
mod replay;
mod share;

use proptest::prelude::*;

/// The part of a step's work that is all of it.
const ALL: usize = usize::MAX;

/// How a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepEnd {
    Done,
    /// The function dies before the step is noted.
    DiesBeforeNote,
    /// The function dies after the step is noted and before the next one is queued.
    DiesAfterNote,
    /// The function dies after the next step is queued.
    DiesAtLast,
}

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A step is received, makes so much of its work, and ends so.
    Step {
        which: usize,
        part: usize,
        end: StepEnd,
    },
    /// A step is received. What it knows is read now; another event ends it.
    StepBegins {
        which: usize,
    },
    StepEnds {
        which: usize,
        part: usize,
        end: StepEnd,
    },
    /// A message comes twice: under its id, or sent again under another one.
    ComesTwice {
        which: usize,
        is_new: bool,
    },
    /// The owner stops the job.
    IsStopped,
}

/// What the owner knows of a job.
#[derive(Debug, Clone)]
struct Owner {
    /// How many deliveries the job has.
    deliveries: usize,
    is_stopped: bool,
}

fn owner() -> BoxedStrategy<Owner> {
    (0..40_usize).prop_map(|deliveries| Owner { deliveries, is_stopped: false }).boxed()
}

fn events(stops: bool) -> BoxedStrategy<Event> {
    let end = prop_oneof![
        6 => Just(StepEnd::Done),
        1 => Just(StepEnd::DiesBeforeNote),
        1 => Just(StepEnd::DiesAfterNote),
        1 => Just(StepEnd::DiesAtLast),
    ]
    .boxed();
    let step = (any::<usize>(), any::<usize>(), end.clone());
    let ends = (any::<usize>(), any::<usize>(), end);
    prop_oneof![
        6 => step.prop_map(|(which, part, end)| Event::Step { which, part, end }),
        3 => any::<usize>().prop_map(|which| Event::StepBegins { which }),
        3 => ends.prop_map(|(which, part, end)| Event::StepEnds { which, part, end }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(which, is_new)| Event::ComesTwice { which, is_new }),
        u32::from(stops) => Just(Event::IsStopped),
    ]
    .boxed()
}
