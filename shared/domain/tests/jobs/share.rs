//! A share of a large fan-out.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use serde_json::value::RawValue;
use storehook_domain::{
    event::origin::RecordOrigin,
    job::{
        fan_out::{FanOutShare, Range, record::ShareRecord},
        turn::Turn,
    },
    webhook::WebhookId,
};

use crate::{
    kinds::{ALL, Event, Owner, OwnerOf, StepEnd},
    queue::Queue,
};

struct System {
    record: Option<ShareRecord>,
    queue: Queue<FanOutShare, Option<ShareRecord>>,
    /// How often the event was sent to each webhook, by its number from 1.
    sent: Vec<u32>,
    /// The webhooks that a noted step sent to, and how often noted steps did.
    noted: Vec<u32>,
}

impl System {
    fn end(&mut self, which: usize, part: usize, end: StepEnd) {
        let Some((message, mut record)) = self.queue.take(which) else { return };
        let mut goes_on = true;
        if ShareRecord::turn(record.as_ref(), &message.step, &message.id) == Turn::Make {
            let webhooks = self.send(&message.step, part);
            let after = ShareRecord::after_step(
                &message.step,
                &message.id,
                &webhooks,
                Duration::ZERO,
                Timestamp::UNIX_EPOCH,
            );
            goes_on = end != StepEnd::DiesBeforeNote;
            // The note is a conditional write: one message notes a step.
            let is_first = self.record.as_ref().is_none_or(|noted| noted.steps < after.steps);
            if goes_on && is_first {
                for (id, is_done) in &webhooks {
                    let was_done = message.step.is_done(*id);
                    self.noted[number(*id)] += u32::from(*is_done && !was_done);
                }
                self.record = Some(after);
            }
            record.clone_from(&self.record);
        }
        let is_next = ShareRecord::turn(record.as_ref(), &message.step, &message.id) == Turn::QueueNext;
        if goes_on
            && is_next
            && end != StepEnd::DiesAfterNote
            && let Some((next, _)) = record.and_then(|record| record.next_step(&message.step))
        {
            self.queue.send(next);
        }
        self.queue.put_back(message, end);
    }

    /// Sends to some of the webhooks that are not done. Every other batch may be refused.
    fn send(&mut self, step: &FanOutShare, part: usize) -> Vec<(WebhookId, bool)> {
        let rest = step.rest();
        let webhooks = (1..=self.sent.len() as u64).map(WebhookId::new).filter(|id| rest.contains(*id));
        let webhooks: Vec<_> = webhooks.collect();
        let webhooks = webhooks.into_iter().map(|id| {
            let is_due = !step.is_done(id);
            let is_sent = is_due && (part >> (id.get() % 60)) & 1 == 1;
            self.sent[number(id)] += u32::from(is_sent);
            (id, !is_due || is_sent)
        });
        webhooks.collect()
    }
}

fn number(id: WebhookId) -> usize {
    usize::try_from(id.get()).unwrap_or_default() - 1
}

struct Shares;

impl StateMachineTest for Shares {
    type SystemUnderTest = System;
    type Reference = OwnerOf<false>;

    #[expect(clippy::expect_used, reason = "the record is a constant")]
    fn init_test(owner: &Owner) -> System {
        let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
        let record = RawValue::from_string("{}".to_owned()).expect("JSON");
        let range = Range { from: WebhookId::new(1), to: WebhookId::new(owner.deliveries.max(1) as u64) };
        let none = vec![0; owner.deliveries];
        let queue = Queue::of(FanOutShare::begin(&origin, record, range));
        System { record: None, queue, sent: none.clone(), noted: none }
    }

    fn apply(mut system: System, _: &Owner, event: Event) -> System {
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
            Event::IsStopped => {}
        }
        system
    }

    fn check_invariants(system: &System, _: &Owner) {
        assert!(
            system.noted.iter().all(|noted| *noted <= 1),
            "no noted step sends again: {:?}",
            system.noted
        );
        let is_done = system.record.as_ref().is_some_and(|record| record.rest.is_none());
        assert!(is_done || !system.queue.is_empty(), "a share that is not done has a message");
    }

    fn teardown(mut system: System, _: Owner) {
        for _ in 0..500 {
            if system.queue.is_empty() {
                break;
            }
            system.queue.begin(0, system.record.clone());
            system.end(0, ALL, StepEnd::Done);
        }
        assert!(system.queue.is_empty(), "every chain of steps ends");
        assert!(system.record.is_some_and(|record| record.rest.is_none()), "the share is done");
        assert!(system.sent.iter().all(|sent| *sent > 0), "the event is sent to every webhook");
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_share_sends_to_every_webhook_and_ends(sequential 1..60 => Shares);
}
