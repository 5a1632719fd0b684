//! What each function's process works on, as its calls tell.
//!
//! Nobody but Lambda knows when an invocation begins. But the delivery function begins each with one read
//! that names all its deliveries, and the stream's poller hands the fan-out its events through the proxy.
//! So a fault that hits a process touches what its invocation has worked on so far, and whether the process
//! is to be killed or stopped is decided once for each invocation.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use storehook_simulator::faults::{Fault, Faults};

use super::processes::Process;

/// What befalls a process, before one of so many calls and POSTs of its invocation.
const BEFORE_CALL: f64 = 12.0;

/// The invocations that run.
pub(super) struct Invocations {
    faults: Faults,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    of_processes: HashMap<u32, Invocation>,
    /// The events that the fan-out has from the stream.
    of_stream: Vec<String>,
    /// How often it got some.
    begun: usize,
    /// How many invocations of the stream's poller run.
    running: usize,
    /// Whether the last read of the stream found nothing.
    is_read: bool,
}

#[derive(Debug, Default)]
struct Invocation {
    subjects: BTreeSet<String>,
    /// Calls that have no response yet.
    calls: usize,
    /// How often the fan-out had got events when it began.
    begun: usize,
    /// What is to befall its process, after so many calls and POSTs.
    doom: Option<(Fault, usize)>,
}

/// What a call or a POST meets.
pub(super) struct Met {
    /// All that its invocation works on.
    pub(super) subjects: Vec<String>,
    /// What befalls its process now.
    pub(super) fault: Option<Fault>,
}

impl Invocations {
    /// No invocations yet.
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process begins a call that names these subjects.
    pub(super) fn call(&self, process: &Process, operation: &str, subjects: Vec<String>) -> Met {
        let mut state = self.state();
        let begun = state.begun;
        let of_stream = if process.is_fan_out { state.of_stream.clone() } else { Vec::new() };
        let invocation = state.of_processes.entry(process.id).or_default();
        let is_first = if process.is_fan_out {
            invocation.begun != begun
        } else {
            let is_known = subjects.iter().any(|subject| invocation.subjects.contains(subject));
            operation == "BatchGetItem" && !is_known && invocation.calls == 0
        };
        if is_first {
            let (calls, doom) = (invocation.calls, self.doom());
            *invocation = Invocation { calls, begun, doom, ..Invocation::default() };
        }
        invocation.calls += 1;
        invocation.subjects.extend(subjects);
        let fault = invocation.next_fault();
        let subjects = invocation.subjects.iter().cloned().chain(of_stream).collect();
        Met { subjects, fault }
    }

    /// What is to befall the process of an invocation, if anything is, and after how many calls.
    fn doom(&self) -> Option<(Fault, usize)> {
        let all = [Fault::Killed, Fault::Frozen, Fault::Stalled];
        let fault = all.into_iter().find(|fault| self.faults.may_happen(*fault))?;
        // Squared, because most invocations make few calls.
        Some((fault, (BEFORE_CALL * self.faults.part().powi(2)) as usize))
    }

    /// A call of a process has its response.
    pub(super) fn responded(&self, process: &Process) {
        if let Some(invocation) = self.state().of_processes.get_mut(&process.id) {
            invocation.calls -= 1;
        }
    }

    /// A process has sent a POST.
    pub(super) fn posted(&self, process: &Process) -> Option<Met> {
        let mut state = self.state();
        let invocation = state.of_processes.get_mut(&process.id)?;
        let fault = invocation.next_fault();
        Some(Met { subjects: invocation.subjects.iter().cloned().collect(), fault })
    }

    /// The stream's poller invokes the fan-out with these events.
    pub(super) fn of_stream_begins(&self, events: Vec<String>) {
        let mut state = self.state();
        state.running += 1;
        state.begun += 1;
        state.of_stream = events;
    }

    /// Such an invocation has ended.
    pub(super) fn of_stream_ended(&self) {
        self.state().running -= 1;
    }

    /// The stream was read, and had nothing more, or something.
    pub(super) fn read(&self, is_read: bool) {
        self.state().is_read = is_read;
    }

    /// Whether the stream has nothing more, and nobody works on its events.
    pub(super) fn has_no_events(&self) -> bool {
        let state = self.state();
        state.is_read && state.running == 0
    }
}

impl Invocation {
    /// What befalls the process at its next call or POST.
    fn next_fault(&mut self) -> Option<Fault> {
        match &mut self.doom {
            Some((_, calls)) if *calls > 0 => {
                *calls -= 1;
                None
            }
            doom => doom.take().map(|(fault, _)| fault),
        }
    }
}
