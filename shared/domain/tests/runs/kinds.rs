//! What can happen in the world of the queues.

use std::time::Duration;

use storehook_domain::delivery::{
    outcome::{FailedAttempt, Outcome},
    run::RunId,
};

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
    /// The record cannot be read.
    ReadIsLost,
    /// The history is silent: the record can be neither read nor written.
    HistoryIsSilent,
}

impl Fault {
    pub(crate) fn loses_read(self) -> bool {
        matches!(self, Self::ReadIsLost | Self::HistoryIsSilent)
    }

    pub(crate) fn loses_write(self) -> bool {
        matches!(self, Self::WriteIsLost | Self::HistoryIsSilent)
    }
}

/// What the endpoint answers; or why it is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Takes,
    Fails,
    AsksForDelay(u64),
    AsksForTime(u64),
    /// Its webhook is paused at this moment.
    IsPaused,
    /// Its webhook is deleted, from now on.
    IsDeleted,
}

impl Answer {
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Takes => Outcome::Delivered,
            Self::Fails | Self::IsPaused | Self::IsDeleted => Outcome::failed(FailedAttempt::Status(500)),
            Self::AsksForDelay(seconds) => Outcome::Delayed(Duration::from_secs(seconds)),
            Self::AsksForTime(seconds) => Outcome::Failed {
                reason: FailedAttempt::Status(429),
                retry_after: Some(Duration::from_secs(seconds)),
            },
        }
    }
}

/// A POST that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) run: RunId,
    /// The last point of the schedule that its age had reached.
    pub(crate) point: usize,
    pub(crate) delivered: bool,
    /// Whether its run was recorded as delivered in what was read when it was received.
    pub(crate) was_delivered: bool,
}
