//! What has become of a batch's records so far.

use std::collections::BTreeMap;

/// The records of a batch that are rejected, and the first that failed, by their place in it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    rejected: BTreeMap<usize, String>,
    first_failed: Option<usize>,
}

impl Progress {
    /// A record can never be done, for this reason.
    pub(crate) fn reject(&mut self, index: usize, reason: String) {
        self.rejected.entry(index).or_insert(reason);
    }

    /// A record is not done and has to come again.
    pub(crate) fn fail(&mut self, index: usize) {
        self.first_failed = Some(self.first_failed.map_or(index, |first| first.min(index)));
    }

    /// Whether a record comes again anyway, and need not be worked on now.
    pub(crate) fn comes_again(&self, index: usize) -> bool {
        self.first_failed.is_some_and(|first| index >= first)
    }

    /// The rejected records, with why.
    pub(crate) fn rejected(&self) -> &BTreeMap<usize, String> {
        &self.rejected
    }

    /// The first record that is not done.
    pub(crate) fn first_failed(&self) -> Option<usize> {
        self.first_failed
    }
}
