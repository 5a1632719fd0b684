//! Faults on purpose: which can happen, how often each does, and whom each touched.
//!
//! A stand-in asks [`Faults::happens`] at each place where AWS or a function may fail. While an
//! invocation runs, [`Faults::observed`] notes each fault that hits it, and afterwards those faults
//! count for everything that the invocation worked on, its *subjects*: a delivery, an event or a
//! webhook. So a delivery that an endpoint got twice can be held against the faults that touched it.

mod kind;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use self::kind::{CallFault, Fault, Rates, Service};

/// Faults of one simulation. Clones are the same faults.
#[derive(Clone)]
pub struct Faults(Arc<Inner>);

struct Inner {
    rates: Rates,
    state: Mutex<State>,
}

struct State {
    random: fastrand::Rng,
    counts: [u64; Fault::COUNT],
    /// The faults that touched each subject, as bits.
    touched: HashMap<Box<str>, u64>,
}

tokio::task_local! {
    /// The faults that have hit the invocation that runs.
    static HITS: Arc<Mutex<Vec<Fault>>>;
}

impl Default for Faults {
    fn default() -> Self {
        Self::new(Rates::default())
    }
}

impl Faults {
    /// Faults at these rates.
    pub fn new(rates: Rates) -> Self {
        let random = fastrand::Rng::with_seed(fastrand::u64(..));
        let state = State { random, counts: [0; Fault::COUNT], touched: HashMap::new() };
        Self(Arc::new(Inner { rates, state: Mutex::new(state) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a fault happens here and now. If it does, it counts, and hits the invocation that runs.
    pub fn happens(&self, fault: Fault) -> bool {
        let happens = self.may_happen(fault);
        if happens {
            self.count(fault);
        }
        happens
    }

    /// The same for a fault that does not always come to pass: the caller counts it if it does.
    pub fn may_happen(&self, fault: Fault) -> bool {
        let rate = self.0.rates.of(fault);
        rate > 0.0 && self.state().random.f64() < rate
    }

    /// Counts a fault that came to pass. It hits the invocation that runs.
    pub fn count(&self, fault: Fault) {
        self.state().counts[fault.index()] += 1;
        // Outside of invocations there is none to hit.
        _ = HITS.try_with(|hits| hits.lock().unwrap_or_else(PoisonError::into_inner).push(fault));
    }

    /// The same for a fault that touches what this message carries.
    pub fn happens_to(&self, fault: Fault, message: &str) -> bool {
        let happens = self.happens(fault);
        if happens {
            self.touch(&subjects_of(message), &[fault]);
        }
        happens
    }

    /// A random part of a whole.
    pub fn part(&self) -> f64 {
        self.state().random.f64()
    }

    /// Does the work of an invocation. The faults that hit it touch its subjects.
    pub async fn observed<T>(&self, subjects: Vec<String>, work: impl Future<Output = T>) -> T {
        let hits = Arc::new(Mutex::new(Vec::new()));
        let result = HITS.scope(hits.clone(), work).await;
        let hits = hits.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.touch(&subjects, &hits);
        result
    }

    /// These faults touch these subjects.
    pub fn touch(&self, subjects: &[String], faults: &[Fault]) {
        let bits = faults.iter().fold(0, |bits, fault| bits | 1 << fault.index());
        if bits == 0 {
            return;
        }
        let mut state = self.state();
        for subject in subjects {
            *state.touched.entry(subject.as_str().into()).or_default() |= bits;
        }
    }

    /// The faults that touched any of these subjects.
    pub fn that_touched(&self, subjects: &[String]) -> Vec<Fault> {
        let state = self.state();
        let bits = subjects.iter().filter_map(|subject| state.touched.get(subject.as_str()));
        let bits = bits.fold(0, |all, bits| all | bits);
        Fault::ALL.into_iter().filter(|fault| bits & 1 << fault.index() != 0).collect()
    }

    /// Forgets all subjects but these.
    pub fn retain(&self, is_kept: impl Fn(&str) -> bool) {
        self.state().touched.retain(|subject, _| is_kept(subject));
    }

    /// Each kind of fault that happened, and how often.
    pub fn counts(&self) -> Vec<(Fault, u64)> {
        let counts = self.state().counts;
        let all = Fault::ALL.into_iter().map(|fault| (fault, counts[fault.index()]));
        all.filter(|(_, count)| *count > 0).collect()
    }
}

/// What a message or a record carries: its delivery, without what tells its topic; else its event, else
/// its webhook.
pub fn subjects_of(message: &str) -> Vec<String> {
    let text_after = |name: &str| {
        let (_, after) = message.split_once(name)?;
        Some(after.trim_start().trim_start_matches('"').split(['"', ',', '}', '~']).next()?.to_owned())
    };
    let delivery = text_after(r#""envelope":{"id":"#);
    let of_events = delivery.or_else(|| text_after(r#""event_id":"#).map(|id| format!("event {id}")));
    let subject = of_events.or_else(|| text_after(r#""webhook_id":"#).map(|id| format!("webhook {id}")));
    subject.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_about_its_delivery_or_its_event_or_its_webhook() {
        for (message, subject) in [
            (r#"{"envelope":{"id":"7-e1","event_id":"x"}}"#, &["7-e1"][..]),
            (r#"{"job":"fan_out","record":{"event_id":"e1","webhook_id":7}}"#, &["event e1"]),
            (r#"{"job":"recovery","webhook_id":7,"shop":"a"}"#, &["webhook 7"]),
            ("no JSON", &[]),
        ] {
            assert_eq!(subjects_of(message), subject, "{message}");
        }
    }

    #[tokio::test]
    async fn a_fault_touches_what_its_invocation_works_on() {
        let faults = Faults::new(Rates::default().with(Fault::Killed, 1.0));
        let subjects = vec!["7-e1".to_owned()];
        let work = async { [faults.happens(Fault::Killed), faults.happens(Fault::Frozen)] };
        assert_eq!(faults.observed(subjects.clone(), work).await, [true, false]);
        assert_eq!(faults.that_touched(&subjects), [Fault::Killed]);
        assert_eq!(faults.that_touched(&["7-e2".to_owned()]), []);
        assert_eq!(faults.counts(), [(Fault::Killed, 1)]);
    }
}
