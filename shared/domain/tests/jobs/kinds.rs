//! What may happen to a job, and what its owner knows.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

/// The part of a step's work that is all of it.
pub(crate) const ALL: usize = usize::MAX;

/// How a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepEnd {
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
pub(crate) enum Event {
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
pub(crate) struct Owner {
    /// How many deliveries the job has.
    pub(crate) deliveries: usize,
    pub(crate) is_stopped: bool,
}

/// The owner of a job, who can stop it or not.
pub(crate) struct OwnerOf<const CAN_STOP: bool>;

impl<const CAN_STOP: bool> ReferenceStateMachine for OwnerOf<CAN_STOP> {
    type State = Owner;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<Owner> {
        (0..40_usize).prop_map(|deliveries| Owner { deliveries, is_stopped: false }).boxed()
    }

    fn transitions(_: &Owner) -> BoxedStrategy<Event> {
        events(CAN_STOP)
    }

    fn apply(owner: Owner, event: &Event) -> Owner {
        Owner { is_stopped: owner.is_stopped || matches!(event, Event::IsStopped), ..owner }
    }
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
