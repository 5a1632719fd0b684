//! What came of a soak.

use std::time::Duration;

use super::{books::Books, receipts::Receipts};
use crate::faults::Fault;

/// What came of it.
pub struct Ended {
    /// What the endpoints got.
    pub receipts: Receipts,
    /// How the deliveries ended.
    pub books: Books,
    /// Each kind of fault that happened, and how often.
    pub faults: Vec<(Fault, u64)>,
    /// Messages that ended without an attempt because they were copies.
    pub suppressed: i64,
    /// How long it took until all was quiet.
    pub took: Duration,
    /// Whether all became quiet.
    pub is_quiet: bool,
    /// The size at the end of each day, if the plan has days.
    pub sizes: Vec<Size>,
    /// What is left at the end.
    pub left: Left,
}

/// How large everything was at the end of a day.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub(super) items: usize,
    /// Deliveries that are not settled.
    pub(super) open: usize,
    pub(super) resident: Option<u64>,
}

/// What is left at the end.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// Items of the history.
    pub history: usize,
    /// The keys of the registry's items beside those that were installed.
    pub registry: Vec<String>,
    /// Dead letters.
    pub letters: usize,
    /// Records and jobs that were rejected.
    pub rejected: usize,
}
