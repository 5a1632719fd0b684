//! The environments of a function, and what may befall them.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::Rc,
    time::Duration,
};

use futures::FutureExt as _;
use jiff::SignedDuration;

use crate::{
    clock,
    faults::{Fault, Faults},
};

/// The environments of one function; `D` is what an environment keeps.
pub(crate) struct Environments<D> {
    free: RefCell<Vec<Environment<D>>>,
    make: Box<dyn Fn() -> D>,
    faults: Faults,
}

/// An environment.
struct Environment<D> {
    keeps: Rc<D>,
    /// How far ahead its clock is.
    ahead: Cell<SignedDuration>,
}

/// The longest time until an invocation is killed, freezes or stalls.
const WITHIN: Duration = Duration::from_millis(1_500);

/// How far a clock may jump, earlier or later.
const LONGEST_JUMP: f64 = 900.0;

impl<D> Environments<D> {
    /// No environments yet.
    pub(crate) fn new(faults: Faults, make: impl Fn() -> D + 'static) -> Self {
        Self { free: RefCell::default(), make: Box::new(make), faults }
    }

    /// Invokes the function, for as long as it may work. `None` if it timed out or was killed. The
    /// faults of the invocation touch these subjects.
    pub(crate) async fn invoke<T: 'static, F: Future<Output = T> + 'static>(
        &self,
        timeout: Duration,
        subjects: Vec<String>,
        work: impl FnOnce(Rc<D>) -> F,
    ) -> Option<T> {
        let free = self.free.borrow_mut().pop();
        let environment =
            free.unwrap_or_else(|| Environment { keeps: Rc::new((self.make)()), ahead: Cell::default() });
        let invocation = async {
            if self.faults.happens(Fault::ClockJumped) {
                environment.ahead.set(self.jump());
            }
            // Boxed, because the compiler limits how deep one future may nest.
            let work = work(environment.keeps.clone()).boxed_local();
            let work = clock::ahead(environment.ahead.get(), work);
            self.survive(timeout, work).await
        };
        let result = self.faults.observed(subjects, invocation).await;
        if result.is_some() {
            self.free.borrow_mut().push(environment);
        }
        result
    }

    /// How far ahead a clock is that was set anew: half of all clocks become right.
    fn jump(&self) -> SignedDuration {
        let (kind, far) = (self.faults.part(), LONGEST_JUMP.powf(self.faults.part()));
        let seconds = SignedDuration::from_secs_f64(far);
        match kind {
            ..0.25 => seconds,
            ..0.5 => -seconds,
            _ => SignedDuration::ZERO,
        }
    }

    /// The result of the work, if nothing ends it before.
    async fn survive<T>(&self, timeout: Duration, work: impl Future<Output = T>) -> Option<T> {
        let faults = &self.faults;
        let all = [Fault::Killed, Fault::Frozen, Fault::Stalled];
        let Some(fault) = all.into_iter().find(|fault| faults.may_happen(*fault)) else {
            return tokio::time::timeout(timeout, work).await.ok();
        };
        // Squared, because most invocations are short.
        let at = WITHIN.mul_f64(faults.part().powi(2));
        let mut work = pin!(work);
        if let Ok(result) = tokio::time::timeout(at, &mut work).await {
            return Some(result);
        }
        faults.count(fault);
        let left = timeout.saturating_sub(at);
        match fault {
            Fault::Killed => None,
            Fault::Frozen => {
                tokio::time::sleep(left).await;
                None
            }
            _ => {
                // Nothing polls the work meanwhile.
                let pause = left.mul_f64(faults.part());
                tokio::time::sleep(pause).await;
                tokio::time::timeout(left - pause, work).await.ok()
            }
        }
    }
}
