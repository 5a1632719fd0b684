//! The lanes and the runs of one delivery, checked in every order that is possible.
//!
//! Who takes part: SQS's two lanes with a few messages of one delivery, the delivery function, its
//! history and an endpoint. The checker (`stateright`) takes every step that is possible in every
//! state. What is decided in a step is the domain's own code: [`Received::admission`],
//! [`disposition`], [`DeliveryRecord::attempted`], the schedule and the lanes. The
//! random simulations beside this module go further; this one leaves nothing out.
//!
//! What bounds the size: a case has few messages, the first attempt comes late, so that few points of the
//! schedule are left, the slow lane allows few receives, and the *mishaps* of a case are counted: a
//! crash, a lost read or write, a message that SQS shows twice or late, an endpoint that asks for time,
//! a webhook that is paused or deleted. All of them may happen at any moment.
//!
//! Promises: no run is lost, every delivery ends, attempts are bounded, and the record tells the end.
//!
//! [`Received::admission`]: storehook_domain::history::decision::Received::admission
//! [`disposition`]: storehook_domain::history::decision::disposition
//! [`DeliveryRecord::attempted`]: storehook_domain::history::record::DeliveryRecord::attempted

mod case;
mod receives;
mod state;

use stateright::{Checker as _, Model, Property};
use storehook_domain::{delivery::run::RunId, history::state::DeliveryState, words::number::count};

use self::{
    case::{Case, UNUSUAL},
    state::{State, Stop},
};
use crate::kinds::{Answer, Fault, Redrive};

/// The most receives that are under way at the same time.
const AT_ONCE: usize = 2;

/// What may go wrong with a receive.
const FAULTS: [Fault; 7] = [
    Fault::DiesAtOnce,
    Fault::DiesAfterPost,
    Fault::DiesAfterWrite,
    Fault::DiesAfterCopy,
    Fault::WriteIsLost,
    Fault::ReadIsLost,
    Fault::HistoryIsSilent,
];

/// A step of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// SQS hands a message over, or moves it to its next queue.
    Receive { slot: usize, fault: Fault },
    /// A receive that is under way ends.
    Finish { which: usize, answer: Answer },
    /// SQS shows a message twice, under the same id.
    ShowTwice { slot: usize },
}

impl Case {
    /// The receives that are possible now. One that comes before its turn makes the others late.
    fn receivable(&self, state: &State, actions: &mut Vec<Action>) {
        let next = state.messages.iter().flatten().map(|message| message.visible_at).min();
        let turn = state.now.max(next.unwrap_or_default());
        for (slot, message) in state.messages.iter().enumerate() {
            let Some(message) = message else { continue };
            let mishaps = state.mishaps.saturating_sub(u8::from(message.visible_at > turn));
            let is_late = message.visible_at > turn && state.mishaps == 0;
            if is_late || !state.may_come(message.visible_at) {
                continue;
            }
            actions.push(Action::Receive { slot, fault: Fault::None });
            if mishaps > 0 && !state.is_moved_next(self, message) {
                actions.extend(FAULTS.map(|fault| Action::Receive { slot, fault }));
            }
        }
    }
}

impl Model for Case {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::begin(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.under_way.len() < AT_ONCE {
            self.receivable(state, actions);
        }
        for (which, receive) in state.under_way.iter().enumerate() {
            if !receive.is_admitted() {
                actions.push(Action::Finish { which, answer: Answer::Fails });
            } else if state.is_deleted {
                actions.push(Action::Finish { which, answer: Answer::IsDeleted });
            } else {
                let unusual = UNUSUAL.into_iter().filter(|_| state.mishaps > 0);
                let answers = [Answer::Fails, Answer::Takes].into_iter().chain(unusual);
                actions.extend(answers.map(|answer| Action::Finish { which, answer }));
            }
        }
        if state.mishaps > 0 && state.messages.len() < self.messages.len() + 1 {
            let shown = (0..state.messages.len()).filter(|slot| state.messages[*slot].is_some());
            actions.extend(shown.map(|slot| Action::ShowTwice { slot }));
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        state.steps += 1;
        match action {
            Action::Receive { slot, fault } => state.receive(self, slot, fault),
            Action::Finish { which, answer } => state.finish(which, answer),
            Action::ShowTwice { slot } => {
                state.mishaps -= 1;
                state.messages.push(state.messages[slot].clone());
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::eventually("every delivery ends", |_, state: &State| state.is_quiet()),
            Property::always("nothing is lost", |_, state: &State| {
                !state.is_quiet() || (0..state.books.len()).all(|run| !state.is_lost(run))
            }),
            Property::always("attempts are bounded", |case: &Self, state: &State| {
                state
                    .books
                    .iter()
                    .all(|book| usize::from(book.posts) <= case.attempts() + usize::from(book.excuses))
            }),
            Property::always("the record tells the end", |_, state: &State| {
                let told =
                    state.record.as_ref().map(|record| record.get().clone().as_of(state.later()).state);
                let waits = matches!(told, Some(DeliveryState::Pending | DeliveryState::Retrying));
                !state.is_quiet() || !waits
            }),
            Property::always("a run that was delivered is not attempted again", |_, state: &State| {
                !state.has_repeated
            }),
            Property::sometimes("a delivery arrives", |_, state: &State| state.has(Stop::Delivered)),
            Property::sometimes("a delivery becomes a dead letter", |_, state: &State| {
                state.has(Stop::DeadLetter)
            }),
            Property::sometimes("two attempts overlap", |_, state: &State| {
                state.under_way.iter().filter(|receive| receive.is_admitted()).count() > 1
            }),
        ]
    }
}

/// Checks a case for every way in which SQS may redrive a message. Returns how many states there are.
fn check(case: &Case) -> usize {
    let ways = [(false, false), (false, true), (true, false), (true, true)];
    ways.into_iter()
        .map(|(keeps_count, keeps_id)| {
            let case = Case { redrive: Redrive { keeps_count, keeps_id }, ..case.clone() };
            let checker = case.checker().threads(2).spawn_bfs().join();
            checker.assert_properties();
            checker.unique_state_count()
        })
        .sum()
}

/// The document that tells how many states there are.
const DOCUMENT: &str = include_str!("../../../../../docs/reliability.md");

/// Checks cases, and that the document tells their states.
fn check_all(cases: &[(&str, Vec<RunId>, u8)]) {
    for (what, messages, mishaps) in cases {
        let redrive = Redrive { keeps_count: false, keeps_id: false };
        let messages = messages.clone();
        let case = Case { messages, age: 150_000, mishaps: *mishaps, slow_receives: 4, redrive };
        let row = format!("| {what} | {mishaps} | {} |", count(check(&case) as u64));
        assert!(DOCUMENT.contains(&row), "docs/reliability.md should say: {row}");
    }
}

fn replay() -> RunId {
    RunId::Replay("r".to_owned())
}

#[test]
fn in_every_order_nothing_is_lost_and_every_delivery_ends() {
    check_all(&[
        ("one message", vec![RunId::Event], 2),
        ("two copies of a message", vec![RunId::Event; 2], 1),
        ("a message and a replay", vec![RunId::Event, replay()], 1),
        (
            "two copies of a message and two of a replay",
            vec![RunId::Event, RunId::Event, replay(), replay()],
            0,
        ),
    ]);
}

#[test]
#[ignore = "it takes minutes: cargo test -p storehook-domain --test runs -- --ignored"]
fn in_every_order_of_more_mishaps_nothing_is_lost_and_every_delivery_ends() {
    check_all(&[
        (
            "two copies of a message and two of a replay",
            vec![RunId::Event, RunId::Event, replay(), replay()],
            1,
        ),
        ("two copies of a message", vec![RunId::Event; 2], 2),
        ("a message and a replay", vec![RunId::Event, replay()], 2),
    ]);
}
