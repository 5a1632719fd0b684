//! The environments of a function.

use std::{cell::RefCell, rc::Rc, time::Duration};

/// The environments of one function; `D` is what an environment keeps.
pub(crate) struct Environments<D> {
    free: RefCell<Vec<Rc<D>>>,
    make: Box<dyn Fn() -> D>,
    /// Which part of the invocations crash.
    crashes: f64,
    random: RefCell<fastrand::Rng>,
}

/// The longest time until a crash.
const CRASH_WITHIN_MILLIS: f64 = 60.0;

impl<D> Environments<D> {
    /// No environments yet. `crashes` is the part of the invocations that crash.
    pub(crate) fn new(crashes: f64, make: impl Fn() -> D + 'static) -> Self {
        let random = RefCell::new(fastrand::Rng::with_seed(fastrand::u64(..)));
        Self { free: RefCell::default(), make: Box::new(make), crashes, random }
    }

    /// Invokes the function, for as long as it may work. `None` if it timed out or crashed.
    pub(crate) async fn invoke<T, F: Future<Output = T>>(
        &self,
        timeout: Duration,
        work: impl FnOnce(Rc<D>) -> F,
    ) -> Option<T> {
        let free = self.free.borrow_mut().pop();
        let environment = match free {
            Some(environment) => environment,
            None => Rc::new((self.make)()),
        };
        let crash = {
            let mut random = self.random.borrow_mut();
            let crashes = self.crashes > 0.0 && random.f64() < self.crashes;
            crashes.then(|| Duration::from_secs_f64(random.f64() * CRASH_WITHIN_MILLIS / 1_000.0))
        };
        let result = tokio::time::timeout(crash.unwrap_or(timeout), work(environment.clone())).await;
        if result.is_ok() {
            self.free.borrow_mut().push(environment);
        }
        result.ok()
    }
}
