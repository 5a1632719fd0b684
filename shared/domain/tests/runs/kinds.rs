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
    /// The function dies after it sent a delay's copy, before its message ends. Nothing, if it sends
    /// none.
    DiesAfterCopy,
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
    /// Whether the endpoint asks to come again at a time that is no point of the schedule.
    pub(crate) fn asks(self) -> bool {
        matches!(self, Self::AsksForDelay(_) | Self::AsksForTime(_))
    }

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

/// Why a run may be attempted twice at one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Something went wrong.
    Fault(Fault),
    /// Another receive of the delivery was under way, of this run or another.
    Overlap,
    /// The endpoint asked for a delay or for time.
    Asked,
    /// The run was dead, and another message of it got its last attempt.
    Dead,
    /// The delivery was held, and another message of the run took it up.
    Held,
}

impl Post {
    /// Whether it repeats an earlier POST of its run without a cause: at the same point of the
    /// schedule, or after that one was delivered. An overlap may have made either of them too many.
    pub(crate) fn repeats_for_no_reason(&self, earlier: &Self) -> bool {
        let has_cause = !self.causes.is_empty() || !earlier.causes.is_empty();
        let is_same_point = earlier.point == self.point && self.before.is_empty();
        !has_cause && (is_same_point || earlier.delivered)
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
    /// What may explain that it repeats another one, or that another one repeats it.
    pub(crate) causes: Vec<Cause>,
    /// The causes in the receive before it in its run.
    pub(crate) before: Vec<Cause>,
}
