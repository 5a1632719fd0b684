//! One webhook: its deliveries, its recovery, and the receives of the delivery function.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use storehook_domain::{
    delivery::{disposition::Disposition, id::DeliveryId, message::DeliveryMessage, run::RunId},
    job::recovery::{
        Recovery, RecoveryRules,
        hold::{Waiting, is_held_after},
        probe::is_let_through,
        step::RecoveryStep,
    },
    webhook::{
        WebhookId, WebhookKey,
        health::{breaker::BreakerRules, failure_run::FailureRun},
    },
};

use crate::kinds::StepEnd;

/// A receive ends within the function's time limit.
const FUNCTION_TIMEOUT: i64 = 60;

pub(crate) const RECOVERY: RecoveryRules =
    RecoveryRules { waiting_limit: 3, most_per_second: 1, time_scale: 1.0 };
const BREAKER: BreakerRules = BreakerRules { failures: 3, time_scale: 1.0 };

/// The message of a step of the recovery.
#[derive(Debug, Clone)]
pub(crate) struct StepMessage {
    pub(crate) id: String,
    pub(crate) step: RecoveryStep,
    pub(crate) due: Timestamp,
}

/// A receive that is under way.
#[derive(Debug)]
struct UnderWay {
    number: usize,
    run: RunId,
    /// The recovery as it was read.
    known: Option<Recovery>,
    began_at: Timestamp,
}

/// One webhook and its deliveries, by their numbers.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) works: bool,
    pub(crate) now: Timestamp,
    pub(crate) recovery: Option<Recovery>,
    failures: Option<FailureRun>,
    created: BTreeMap<usize, Timestamp>,
    pub(crate) queue: Vec<(usize, RunId)>,
    under_way: Vec<UnderWay>,
    pub(crate) held: BTreeMap<usize, Timestamp>,
    pub(crate) delivered: BTreeSet<usize>,
    retrying: BTreeSet<usize>,
    pub(crate) steps: Vec<StepMessage>,
    next_id: usize,
}

impl System {
    pub(crate) fn begin(works: bool) -> Self {
        Self {
            works,
            now: Timestamp::from_second(1_795_000_000).unwrap_or_default(),
            recovery: None,
            failures: None,
            created: BTreeMap::new(),
            queue: Vec::new(),
            under_way: Vec::new(),
            held: BTreeMap::new(),
            delivered: BTreeSet::new(),
            retrying: BTreeSet::new(),
            steps: Vec::new(),
            next_id: 0,
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.queue.is_empty() && self.under_way.is_empty() && self.held.is_empty() && self.recovery.is_none()
    }

    pub(crate) fn is_somewhere(&self, number: usize) -> bool {
        self.delivered.contains(&number)
            || self.held.contains_key(&number)
            || self.queue.iter().any(|(queued, _)| *queued == number)
            || self.under_way.iter().any(|receive| receive.number == number)
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.retrying.len() as u64
    }

    pub(crate) fn publish(&mut self, number: usize) {
        self.created.insert(number, self.now);
        self.queue.push((number, RunId::Event));
    }

    pub(crate) fn receive(&mut self, which: usize) {
        let Some(index) = which.checked_rem(self.queue.len()) else { return };
        let (number, run) = self.queue.swap_remove(index);
        let known = self.recovery.clone();
        self.under_way.push(UnderWay { number, run, known, began_at: self.now });
    }

    /// A receive that is under way ends as in the delivery function.
    pub(crate) fn end(&mut self, which: usize) {
        let Some(index) = which.checked_rem(self.under_way.len()) else { return };
        let UnderWay { number, run, known, began_at } = self.under_way.swap_remove(index);
        let was_open = known.as_ref().is_some_and(Recovery::is_open);
        let message = message(&run);
        if self.delivered.contains(&number) {
            return;
        }
        if was_open && !is_let_through(&message) {
            self.hold(number);
        } else if self.works {
            self.failures = None;
            self.held.remove(&number);
            self.retrying.remove(&number);
            self.delivered.insert(number);
            // The function closes the breaker that it has seen open.
            if was_open && let Some(closed) = self.recovery.as_ref().and_then(|open| open.closed(self.now)) {
                self.begin_step(closed);
            }
        } else {
            let since = self.failures.map_or(began_at, |failures| failures.since);
            let attempts = self.failures.map_or(0, |failures| failures.attempts) + 1;
            let failures = FailureRun { since, attempts };
            self.failures = Some(failures);
            let is_open = self.recovery.as_ref().is_some_and(Recovery::is_open);
            let waiting = Waiting { all: self.waiting(), is_among: self.retrying.contains(&number) };
            let retry = Disposition::retry(Duration::from_secs(10));
            if is_held_after(&message, retry, known.is_some(), waiting, &RECOVERY) {
                self.hold(number);
            } else {
                self.held.remove(&number);
                self.retrying.insert(number);
                self.queue.push((number, run));
            }
            if BREAKER.opens(&failures, self.now) && !is_open {
                let opened = Recovery::opened(&failures, self.recovery.as_ref(), self.now, &RECOVERY);
                self.begin_step(opened);
            }
        }
    }

    fn hold(&mut self, number: usize) {
        let created_at = self.created[&number];
        match &self.recovery {
            Some(before) => {
                if let Some(after) = before.with_held(created_at, &RECOVERY) {
                    self.recovery = Some(after);
                }
            }
            None => self.begin_step(Recovery::overflowing(created_at, self.now, &RECOVERY)),
        }
        self.retrying.remove(&number);
        self.held.insert(number, created_at);
    }

    /// The recovery changes, and its next step is queued.
    pub(crate) fn begin_step(&mut self, recovery: Recovery) {
        if let Some((step, pause)) = recovery.next_step(&webhook(), self.now) {
            self.next_id += 1;
            let pause = SignedDuration::try_from(pause).unwrap_or_default();
            self.steps.push(StepMessage { id: format!("m-{}", self.next_id), step, due: self.now + pause });
        }
        self.recovery = Some(recovery);
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        if seconds >= FUNCTION_TIMEOUT {
            while !self.under_way.is_empty() {
                self.end(0);
            }
        }
        // Receives that began at different times end in time all the same.
        let oldest = self.under_way.iter().map(|receive| receive.began_at).min();
        if oldest.is_some_and(|began_at| (self.now - began_at).get_seconds() + seconds > FUNCTION_TIMEOUT) {
            self.end(0);
            return self.pass(seconds);
        }
        self.now += SignedDuration::from_secs(seconds);
    }

    /// A minute in which nothing goes wrong.
    pub(crate) fn calm_minute(&mut self) {
        self.pass(FUNCTION_TIMEOUT);
        self.sweep();
        for _ in 0..self.queue.len() {
            self.receive(0);
            self.end(0);
        }
        for _ in 0..self.steps.len() {
            self.step(0, StepEnd::Done);
        }
    }

    pub(crate) fn sweep(&mut self) {
        if self.recovery.as_ref().is_some_and(|recovery| recovery.is_overdue(self.now)) {
            self.restart();
        }
    }

    /// The next step becomes due now.
    pub(crate) fn restart(&mut self) {
        if let Some(recovery) = &self.recovery {
            self.begin_step(recovery.restarted(self.now));
        }
    }
}

#[expect(clippy::expect_used, reason = "they are constants")]
fn webhook() -> WebhookKey {
    let (shop, app) = ("a.example".parse().expect("a shop"), "demo".parse().expect("an app"));
    WebhookKey { id: WebhookId::new(7), shop, app }
}

#[expect(clippy::expect_used, reason = "it is an id")]
pub(crate) fn id_of(number: usize) -> DeliveryId {
    DeliveryId::parse(&format!("7-e{number}")).expect("an id")
}

/// A message of a run.
#[expect(clippy::expect_used, reason = "it is a constant but for its run")]
fn message(run: &RunId) -> DeliveryMessage<'static> {
    const BODY: &[u8] =
        br#"{"envelope": {"id": "7-e", "shop": "a.example", "app": "demo", "topic": "orders/create",
        "triggered_at": "2026-11-21T15:00:00Z"}, "enqueued_at": "2026-11-21T15:00:00Z", "payload": {}}"#;
    let mut message = DeliveryMessage::parse(BODY).expect("a message");
    message.run = run.clone();
    message
}
