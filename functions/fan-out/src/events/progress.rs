//! The progress of a batch: the rejected entries, and the first failed record.
//!
//! Entries are known by their index. A record may have several ([`super::entries`]), and it is done
//! when all of them are. So an entry that fails makes its record fail, and all that follow.

use std::{collections::BTreeMap, ops::Range};

/// The rejected entries of a batch, and its first failed record.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The index of each entry's record. An entry that is not listed is its own record.
    records: Vec<usize>,
    rejected: BTreeMap<usize, String>,
    first_failed: Option<usize>,
}

impl Progress {
    /// The progress of entries that belong to these records.
    pub(crate) fn of(records: Vec<usize>) -> Self {
        Self { records, ..Self::default() }
    }

    /// The index of an entry's record in the batch.
    pub(crate) fn record_of(&self, index: usize) -> usize {
        self.records.get(index).copied().unwrap_or(index)
    }

    /// Notes that an entry can never be done, and why.
    pub(crate) fn reject(&mut self, index: usize, reason: String) {
        self.rejected.entry(index).or_insert(reason);
    }

    /// Rejects none of these entries after all. Returns why the first of them was rejected.
    pub(crate) fn take_back(&mut self, entries: Range<usize>) -> Option<String> {
        let mut taken = self.rejected.split_off(&entries.start);
        self.rejected.append(&mut taken.split_off(&entries.end));
        taken.into_values().next()
    }

    /// Notes that an entry is not done and its record must come again.
    pub(crate) fn fail(&mut self, index: usize) {
        let record = self.record_of(index);
        self.first_failed = Some(self.first_failed.map_or(record, |first| first.min(record)));
    }

    /// Whether an entry comes again in any case, because its record or an earlier one failed.
    pub(crate) fn comes_again(&self, index: usize) -> bool {
        self.first_failed.is_some_and(|first| self.record_of(index) >= first)
    }

    /// The rejected entries, with the reasons.
    pub(crate) fn rejected(&self) -> &BTreeMap<usize, String> {
        &self.rejected
    }

    /// The index of the first failed record.
    pub(crate) fn first_failed(&self) -> Option<usize> {
        self.first_failed
    }
}
