//! What can happen in the world of the queues.

use storehook_domain::delivery::run::RunId;

/// How SQS redrives a message. AWS documents neither.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redrive {
    /// Whether the receive count goes on in the next queue.
    pub(crate) keeps_count: bool,
    /// Whether the message keeps its id.
    pub(crate) keeps_id: bool,
}

/// What happens to a receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The function dies before it reads anything.
    DiesAtOnce,
    /// The function dies after the POST.
    DiesAfterPost,
    /// The function dies when the record is written.
    DiesAfterWrite,
    /// The write of the record is lost.
    WriteIsLost,
}

/// What the endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Takes,
    Fails,
    AsksForDelay(u64),
    AsksForTime(u64),
}

/// A POST that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) run: RunId,
    /// The last point of the schedule that its age had reached.
    pub(crate) point: usize,
    pub(crate) delivered: bool,
    /// Whether its run was already recorded as delivered when it was received.
    pub(crate) was_delivered: bool,
}
