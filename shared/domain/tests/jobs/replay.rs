//! A replay.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use storehook_domain::{
    delivery::id::DeliveryId,
    history::query::DeliveryPosition,
    job::{
        replay::{
            Replay, ReplayState,
            record::{ReplayRecord, ReplayStatus},
            step::{Counts, ReplayStep, StepOutcome},
        },
        turn::Turn,
    },
    webhook::WebhookId,
};

use crate::{
    kinds::{ALL, Event, Owner, OwnerOf, StepEnd},
    queue::Queue,
};

struct System {
    record: ReplayRecord,
    queue: Queue<ReplayStep, ReplayRecord>,
    /// How often each delivery was sent.
    sent: Vec<u32>,
}

/// The position of a delivery, by its number from 0.
#[expect(clippy::expect_used, reason = "it is an id")]
fn position(number: usize) -> DeliveryPosition {
    let id = DeliveryId::parse(&format!("7-e{number:03}")).expect("an id");
    DeliveryPosition::of(Timestamp::UNIX_EPOCH, &id)
}

impl System {
    /// The number of the delivery that comes after a position.
    fn next(&self, after: Option<&DeliveryPosition>) -> usize {
        let is_before = |number: &usize| after.is_some_and(|after| position(*number) <= *after);
        (0..self.sent.len()).take_while(is_before).count()
    }

    fn end(&mut self, which: usize, part: usize, end: StepEnd) {
        let Some((message, read)) = self.queue.take(which) else { return };
        let mut record = read;
        let mut goes_on = true;
        if record.turn(&message.step, &message.id) == Turn::Make {
            let outcome = self.send(&message.step, part);
            goes_on = end != StepEnd::DiesBeforeNote;
            if goes_on {
                // The note is made to the record as it is now.
                if let Some(noted) = self.record.clone().after_step(
                    &message.step,
                    &message.id,
                    &outcome,
                    Timestamp::UNIX_EPOCH,
                ) {
                    self.record = noted;
                }
                record = self.record.clone();
            }
        }
        let is_next = record.turn(&message.step, &message.id) == Turn::QueueNext;
        if goes_on
            && is_next
            && end != StepEnd::DiesAfterNote
            && let Some((next, _)) = record.next_step()
        {
            self.queue.send(next);
        }
        self.queue.put_back(message, end);
    }

    /// Sends a part of what the step may send.
    fn send(&mut self, step: &ReplayStep, part: usize) -> StepOutcome {
        let begin = self.next(step.after.as_ref());
        let left = self.sent.len() - begin;
        let most = left.min(usize::try_from(step.size()).unwrap_or(usize::MAX));
        let size = if part == ALL { most } else { part % (most + 1) };
        self.sent[begin..begin + size].iter_mut().for_each(|sent| *sent += 1);
        let counts = Counts { found: size as u64, sent: size as u64, expired: 0 };
        let is_end = size == left;
        let after = (begin + size).checked_sub(1).map(position);
        StepOutcome {
            counts,
            next: if is_end {
                None
            } else {
                after.or(Some(DeliveryPosition::start_of(Timestamp::UNIX_EPOCH)))
            },
            took: SignedDuration::ZERO,
        }
    }
}

struct Replays;

impl StateMachineTest for Replays {
    type SystemUnderTest = System;
    type Reference = OwnerOf<true>;

    #[expect(clippy::expect_used, reason = "they are constants, and a replay begins with a step")]
    fn init_test(owner: &Owner) -> System {
        let replay = Replay {
            id: "r".to_owned(),
            webhook_id: WebhookId::new(7),
            shop: "a.example".parse().expect("a shop"),
            app: "demo".parse().expect("an app"),
            from: Timestamp::UNIX_EPOCH,
            to: Timestamp::UNIX_EPOCH,
            state: ReplayState::Dead,
            per_second: 1,
            began_at: Timestamp::UNIX_EPOCH,
        };
        let record = ReplayRecord::begin(replay, SignedDuration::from_hours(24));
        let (step, _) = record.next_step().expect("a first step");
        System { record, queue: Queue::of(step), sent: vec![0; owner.deliveries] }
    }

    fn apply(mut system: System, owner: &Owner, event: Event) -> System {
        let sent: u32 = system.sent.iter().sum();
        let was_stopped = system.record.status == ReplayStatus::Stopped;
        match event {
            Event::Step { which, part, end } => {
                if let Some(begun) = system.queue.begin(which, system.record.clone()) {
                    system.end(begun, part, end);
                }
            }
            Event::StepBegins { which } => {
                system.queue.begin(which, system.record.clone());
            }
            Event::StepEnds { which, part, end } => system.end(which, part, end),
            Event::ComesTwice { which, is_new } => system.queue.copy(which, is_new),
            Event::IsStopped => {
                if let Some(stopped) = system.record.clone().stopped(Timestamp::UNIX_EPOCH) {
                    system.record = stopped;
                }
            }
        }
        if was_stopped && matches!(event, Event::Step { .. }) && owner.is_stopped {
            assert_eq!(system.sent.iter().sum::<u32>(), sent, "a stopped replay begins no step");
        }
        system
    }

    fn check_invariants(system: &System, owner: &Owner) {
        let record = &system.record;
        let noted = if record.status == ReplayStatus::Done {
            owner.deliveries
        } else {
            system.next(record.after.as_ref())
        };
        if record.status != ReplayStatus::Stopped {
            assert_eq!(record.counts.sent, noted as u64, "each delivery is counted once");
        }
        assert!(system.sent[..noted].iter().all(|sent| *sent > 0), "what is noted was sent");
        if record.status == ReplayStatus::Running {
            assert!(!system.queue.is_empty(), "a replay that goes on has a message");
        }
    }

    fn teardown(mut system: System, owner: Owner) {
        for _ in 0..500 {
            if system.queue.is_empty() {
                break;
            }
            system.queue.begin(0, system.record.clone());
            system.end(0, ALL, StepEnd::Done);
        }
        assert!(system.queue.is_empty(), "every chain of steps ends");
        if owner.is_stopped {
            assert_ne!(system.record.status, ReplayStatus::Running);
        } else {
            assert_eq!(system.record.status, ReplayStatus::Done);
            assert!(system.sent.iter().all(|sent| *sent > 0), "every delivery is sent");
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_sends_and_counts_each_delivery_and_ends(sequential 1..60 => Replays);
}
