//! The progress of a batch: the rejected records, and the first failed one.

use std::collections::BTreeMap;

/// The rejected records of a batch, and its first failed record, by their index.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    rejected: BTreeMap<usize, String>,
    first_failed: Option<usize>,
}

impl Progress {
    /// Notes that a record can never be done, and why.
    pub(crate) fn reject(&mut self, index: usize, reason: String) {
        self.rejected.entry(index).or_insert(reason);
    }

    /// Notes that a record is not done and must come again.
    pub(crate) fn fail(&mut self, index: usize) {
        self.first_failed = Some(self.first_failed.map_or(index, |first| first.min(index)));
    }

    /// Whether a record comes again in any case, because it or an earlier one failed.
    pub(crate) fn comes_again(&self, index: usize) -> bool {
        self.first_failed.is_some_and(|first| index >= first)
    }

    /// The rejected records, with the reasons.
    pub(crate) fn rejected(&self) -> &BTreeMap<usize, String> {
        &self.rejected
    }

    /// The first failed record.
    pub(crate) fn first_failed(&self) -> Option<usize> {
        self.first_failed
    }
}
