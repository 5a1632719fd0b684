//! Virtual time: a call takes the time that its stand-in waits, and no real time passes.
//!
//! [`run`] polls a test until it can only go on in time. Then it sets the clock to the next moment
//! that somebody waits for. So ten thousand calls of a second each are made in an instant, and every
//! run of a test is the same.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use jiff::Timestamp;

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static SLEEPERS: RefCell<Vec<(Duration, Waker)>> = const { RefCell::new(Vec::new()) };
}

/// The virtual time now. It begins in 1970.
pub(crate) fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + NOW.get()
}

/// Waits, in virtual time.
pub(crate) async fn sleep(wait: Duration) {
    let until = NOW.get() + wait;
    poll_fn(|context| {
        if NOW.get() >= until {
            return Poll::Ready(());
        }
        SLEEPERS.with_borrow_mut(|sleepers| sleepers.push((until, context.waker().clone())));
        Poll::Pending
    })
    .await;
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs a test in virtual time.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    // The SDK guards its calls by timers of this runtime. Nothing drives them, so they never end.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut test = pin!(test);
    loop {
        while woken.0.swap(false, Ordering::SeqCst) {
            if let Poll::Ready(output) = test.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
        }
        SLEEPERS.with_borrow_mut(|sleepers| {
            let next = sleepers.iter().map(|(until, _)| *until).min().expect("somebody waits");
            NOW.set(next);
            for (_, sleeper) in sleepers.extract_if(.., |(until, _)| *until <= next) {
                sleeper.wake();
            }
        });
    }
}
