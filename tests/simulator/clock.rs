//! The virtual clock.
//!
//! It is tokio's paused clock: when all tasks wait, the time moves to the next moment that one of
//! them waits for. So the SDK's timeouts, the handlers' waits and the stand-ins' latencies cost no
//! real time. The stand-ins and the SDK ([`Virtual`]) have the right time, [`now`]. The handlers have
//! that of their environment ([`of_environment`]), whose clock may be wrong. The soak on the local stack
//! [begins](begin_at) without a paused clock, and then the time is the real one.

use std::{
    cell::Cell,
    time::{Duration, SystemTime},
};

use aws_smithy_async::time::TimeSource;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

thread_local! {
    static BEGAN: Cell<Option<(Instant, Timestamp)>> = const { Cell::new(None) };
}

/// When every simulation begins, in seconds since 1970: midnight, on 1 November 2026.
const BASE: i64 = 1_793_491_200;

/// Begins a simulation: the time is [`BASE`] now. The runtime's clock must be paused.
pub(crate) fn begin() {
    begin_at(base());
}

/// Begins on this thread: this is the time now.
pub fn begin_at(now: Timestamp) {
    BEGAN.set(Some((Instant::now(), now)));
}

/// How long the simulation has run.
pub fn elapsed() -> Duration {
    BEGAN.get().map_or(Duration::ZERO, |(began, _)| began.elapsed())
}

/// The time now.
pub(crate) fn now() -> Timestamp {
    let (began, base) = BEGAN.get().unwrap_or_else(|| (Instant::now(), base()));
    base.saturating_add(began.elapsed()).unwrap_or(base)
}

fn base() -> Timestamp {
    Timestamp::from_second(BASE).unwrap_or_default()
}

tokio::task_local! {
    /// How far ahead the clock of the environment is whose invocation runs.
    static AHEAD: SignedDuration;
}

/// Does the work of an invocation in an environment whose clock is so far ahead.
pub(crate) async fn ahead<T>(ahead: SignedDuration, work: impl Future<Output = T>) -> T {
    AHEAD.scope(ahead, work).await
}

/// The time now, by the clock of the environment whose invocation runs.
pub(crate) fn of_environment() -> Timestamp {
    let ahead = AHEAD.try_with(|ahead| *ahead).unwrap_or_default();
    now().saturating_add(ahead).unwrap_or_else(|_| now())
}

/// The clock of the SDK.
#[derive(Debug)]
pub(crate) struct Virtual;

impl TimeSource for Virtual {
    fn now(&self) -> SystemTime {
        now().into()
    }
}

/// Runs a simulation on a paused clock. `seed` decides every random number.
pub(crate) fn run<F: Future>(seed: u64, simulation: F) -> std::io::Result<F::Output> {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(async {
        begin();
        simulation.await
    }))
}
