//! What a republishing did.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::drain::taken::End;

/// Where a piece was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// In the rejected queue.
    Queue,
    /// In the bucket of records that Lambda gave up.
    Bucket,
}

impl Source {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Bucket => "bucket",
        }
    }
}

/// What became of the pieces of one kind from one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// How many were found.
    pub found: u64,
    /// How many went back to where they belong, or would go.
    pub republished: u64,
    /// How many were dropped, as the file says.
    pub dropped: u64,
    /// How many came a second time, or are somewhere else as well.
    pub repeated: u64,
    /// How many stay.
    pub left: u64,
}

/// A piece that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// What names it.
    pub id: String,
    /// Where it is.
    pub source: Source,
    /// What it is.
    pub kind: &'static str,
    /// Why it stays.
    pub why: String,
}

/// What it did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Whether it only looked.
    pub is_dry_run: bool,
    /// The file that it wrote.
    pub exported: Option<String>,
    /// Why it ended.
    pub end: End,
    /// What became of the pieces.
    pub counts: BTreeMap<(Source, &'static str), Counts>,
    /// The first pieces that stay, up to [`LEFT_LIMIT`].
    pub left: Vec<Left>,
    /// What names the pieces of the file that were not found.
    pub not_found: Vec<String>,
    /// How many messages were deleted.
    pub deleted_messages: usize,
    /// How many objects were deleted.
    pub deleted_objects: usize,
    /// How many messages are done and could not be deleted.
    pub undeleted: usize,
    /// The reason that SQS gave for one of them.
    pub refusal: Option<String>,
    /// Roughly how many messages were hidden when it began, because somebody else had received them.
    pub hidden: u64,
    /// If messages that stay may still be hidden: why.
    pub unshown: Option<String>,
}

/// How many of the pieces that stay are told one by one.
pub const LEFT_LIMIT: usize = 1_000;

impl Summary {
    /// The sum over all kinds and sources.
    pub fn total(&self, of: impl Fn(&Counts) -> u64) -> u64 {
        self.counts.values().map(of).sum()
    }

    /// The counts of a kind from a source.
    pub fn counts_of(&mut self, source: Source, kind: &'static str) -> &mut Counts {
        self.counts.entry((source, kind)).or_default()
    }

    /// Counts a piece that stays.
    pub fn leave(&mut self, left: Left) {
        self.counts_of(left.source, left.kind).left += 1;
        if self.left.len() < LEFT_LIMIT {
            self.left.push(left);
        }
    }
}
