//! The breaker and the recovery of a webhook, as a state machine.
//!
//! Who takes part: an endpoint that goes down and up, deliveries that are published, receives that
//! overlap, the steps of the recovery, and the sweep. A step may die before or after it is noted, come
//! twice, or be lost. What is decided is the domain's own code: [`BreakerRules`], [`Recovery`],
//! `is_held_after` and `is_let_through`. The model knows only what the owner of the endpoint knows: how many
//! events there were, and whether the endpoint works.
//!
//! Promises: no delivery is lost; whatever is held has a recovery that will find it; while the breaker is
//! open only probes are sent; and once the endpoint works, everything arrives and the recovery ends.
//!
//! [`BreakerRules`]: storehook_domain::webhook::health::breaker::BreakerRules
//! [`Recovery`]: storehook_domain::job::recovery::Recovery

mod kinds;
mod steps;
mod system;

use kinds::StepEnd;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use system::System;

/// An hour, in seconds. Within 80 of them every schedule ends.
const HOUR: i64 = 60 * 60;

/// What the owner of the endpoint knows.
#[derive(Debug, Clone)]
struct Owner {
    published: usize,
    works: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Event {
    Publishes,
    EndpointWorks(bool),
    /// A message is received: what is known of the webhook is read.
    Receives(usize),
    /// A receive ends: its attempt is made and noted.
    Ends(usize),
    Step(usize, StepEnd),
    /// The message of a step comes twice: under the same id, or sent again under another one.
    StepComesTwice(usize, bool),
    StepIsLost(usize),
    Sweeps,
    /// The webhook is changed, so a probe is due at once.
    WebhookChanges,
    TimePasses(i64),
}

impl ReferenceStateMachine for Owner {
    type State = Self;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<Self> {
        any::<bool>().prop_map(|works| Self { published: 0, works }).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Event> {
        let end = prop_oneof![
            8 => Just(StepEnd::Done),
            1 => Just(StepEnd::DiesBeforeNote),
            1 => Just(StepEnd::DiesAtLast),
            1 => Just(StepEnd::IsLost),
        ];
        prop_oneof![
            6 => Just(Event::Publishes),
            2 => prop::bool::weighted(0.3).prop_map(Event::EndpointWorks),
            10 => any::<usize>().prop_map(Event::Receives),
            10 => any::<usize>().prop_map(Event::Ends),
            6 => (any::<usize>(), end).prop_map(|(which, end)| Event::Step(which, end)),
            1 => (any::<usize>(), any::<bool>()).prop_map(|(which, is_new)| Event::StepComesTwice(which, is_new)),
            1 => any::<usize>().prop_map(Event::StepIsLost),
            1 => Just(Event::Sweeps),
            1 => Just(Event::WebhookChanges),
            6 => prop_oneof![6 => 1..60_i64, 6 => 60..1_000_i64, 1 => 20 * HOUR..80 * HOUR].prop_map(Event::TimePasses),
        ]
        .boxed()
    }

    fn apply(mut owner: Self, event: &Event) -> Self {
        match event {
            Event::Publishes => owner.published += 1,
            Event::EndpointWorks(works) => owner.works = *works,
            _ => {}
        }
        owner
    }
}

struct Recovers;

impl StateMachineTest for Recovers {
    type SystemUnderTest = System;
    type Reference = Owner;

    fn init_test(owner: &Owner) -> System {
        System::begin(owner.works)
    }

    fn apply(mut system: System, owner: &Owner, event: Event) -> System {
        match event {
            Event::Publishes => system.publish(owner.published),
            Event::EndpointWorks(works) => system.works = works,
            Event::Receives(which) => system.receive(which),
            Event::Ends(which) => system.end(which),
            Event::Step(which, end) => system.step(which, end),
            Event::StepComesTwice(which, is_new) => system.copy_step(which, is_new),
            Event::StepIsLost(which) => system.lose_step(which),
            Event::Sweeps => system.sweep(),
            Event::WebhookChanges => system.restart(),
            Event::TimePasses(seconds) => system.pass(seconds),
        }
        system
    }

    fn check_invariants(system: &System, owner: &Owner) {
        for number in 1..=owner.published {
            assert!(system.is_somewhere(number), "delivery {number} is lost");
        }
        for (number, created_at) in &system.held {
            let recovery = system.recovery.as_ref();
            let is_found = recovery.is_some_and(|recovery| recovery.from <= *created_at);
            assert!(is_found, "nobody will find the held delivery {number}: {recovery:?}");
        }
    }

    fn teardown(mut system: System, owner: Owner) {
        system.works = true;
        let rounds = (0..500).find(|_| {
            system.calm_minute();
            system.is_quiet()
        });
        assert!(rounds.is_some(), "it never comes to rest: {:?}, {:?}", system.recovery, system.held);
        assert!((1..=owner.published).all(|number| system.delivered.contains(&number)));
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_everything_arrives_once_the_endpoint_works(sequential 1..150 => Recovers);
}
