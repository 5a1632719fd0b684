//! Metrics, in CloudWatch's Embedded Metric Format.
//!
//! A function counts while it works, and at the end of an invocation it prints what it has counted as
//! one line of JSON. CloudWatch takes the metrics from the log, so they cost no call and no wait
//! ("Specification: Embedded metric format", Amazon CloudWatch User Guide).
//!
//! Who takes part:
//!
//! * [`Metric`] is the catalogue: every metric that a function writes. The template's alarms and its
//!   dashboard name these and no others, which a test holds.
//! * [`Tally`] is what was counted, as a value. [`embedded`] makes its lines.
//! * [`Meter`] collects a tally in an execution environment, from all that works there at the same
//!   time. [`Meter::write`] is the only place that prints, and ends the log of an invocation.
//!
//! The metrics have no dimensions; their namespace is the stack's name. Each dimension's value would
//! be a metric of its own, at $0.30 a month, and a webhook or a shop must never be one. What was not
//! counted is not printed: an idle stack has no metrics and pays for none.
//!
//! What can go wrong: an invocation that crashes or times out prints nothing, so what it did is not
//! counted. CloudWatch may count a line twice ("at least one time delivery").
//!
//! Why no crate: `metrics_cloudwatch_embedded` keeps its counts in one recorder for the whole
//! process, which tests and simulated environments would share, drops what comes after 100 values,
//! and has no number that can be negative and is written once. `metrique` adds 36 crates to the
//! functions for a line that has 20 names.

pub mod embedded;
mod metric;
mod tally;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

pub use metric::Metric;
pub use tally::Tally;

use crate::{environment::Environment, log};

/// The namespace of the metrics: the setting `METRICS_NAMESPACE`, `storehook` unless set.
pub fn namespace(environment: &Environment) -> String {
    environment.optional("METRICS_NAMESPACE").unwrap_or("storehook").to_owned()
}

/// Collects what is counted in an execution environment. Clones count together.
#[derive(Debug, Clone)]
pub struct Meter {
    namespace: String,
    tally: Arc<Mutex<Tally>>,
}

impl Meter {
    /// A meter whose metrics have this namespace.
    pub fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), tally: Arc::default() }
    }

    /// Counts so many.
    pub fn count(&self, metric: Metric, number: i64) {
        self.tally().count(metric, number);
    }

    /// Adds what was counted elsewhere.
    pub fn add(&self, tally: &Tally) {
        self.tally().add(tally);
    }

    /// What was counted since the last time.
    pub fn take(&self) -> Tally {
        std::mem::take(&mut *self.tally())
    }

    /// Prints what was counted since the last time: one line, or none if nothing was. A metric with
    /// over 100 values takes a further line for each hundred. Lines of the log that wait
    /// (`log`) are written before.
    pub fn write(&self, now: Timestamp) {
        let lines = embedded::lines(&self.take(), &self.namespace, now);
        log::add(lines.as_bytes());
        if let Err(error) = log::flush() {
            tracing::error!(%error, "metrics not written");
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
