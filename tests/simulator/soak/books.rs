//! The books: how many deliveries ended in each way.

use std::collections::BTreeMap;

/// How deliveries ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    pub(super) delivered: u64,
    pub(super) dead: u64,
    pub(super) held: u64,
    pub(super) cancelled: u64,
    /// Nothing knows of them any more.
    pub(super) lost: u64,
    /// How often a delivery that an endpoint had taken came again.
    pub(super) twice: u64,
    /// Of these, how many came because the endpoint had not said that it took the delivery.
    pub(super) unanswered: u64,
    /// The faults that touched those which came for another reason, and how many of these each touched.
    pub(super) causes: BTreeMap<String, u64>,
    /// Deliveries that were accepted and have no record that says so, after a fault.
    pub(super) unrecorded: u64,
}

impl Books {
    /// All deliveries that ended, in whatever way.
    pub(super) fn ended(&self) -> u64 {
        self.delivered + self.dead + self.held + self.cancelled
    }
}
