//! A finding: what is wrong, why it matters, and what to do.

use serde::Serialize;

/// How severe a finding is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Events or deliveries stand still, or are lost if nobody acts.
    Urgent,
    /// Somebody must act, and nothing is lost meanwhile.
    Wrong,
    /// Nobody knows whether something is wrong.
    Unknown,
}

impl Severity {
    /// The name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Wrong => "wrong",
            Self::Unknown => "unknown",
        }
    }
}

/// What kind a finding is of. The name in JSON never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Deliveries that nobody attempts any more.
    DeadLetters,
    /// Records that are no events, or jobs that failed.
    Rejected,
    /// Records that Lambda gave up.
    GivenUp,
    /// So many messages are in flight that a queue may stop.
    InFlight,
    /// Messages of a queue are late.
    OldestAge,
    /// The fan-out is behind the stream.
    IteratorAge,
    /// Events arrive, and nobody reads the stream.
    NotRead,
    /// Something does not invoke a function, because it is missing or switched off.
    MappingOff,
    /// Something cannot invoke a function.
    MappingProblem,
    /// Endpoints fail, and their deliveries are held.
    BreakersOpen,
    /// Held deliveries are not sent.
    RecoveriesOverdue,
    /// The account may run too few functions at the same time.
    Concurrency,
    /// A function cannot run.
    FunctionBroken,
    /// A function fails.
    FunctionErrors,
    /// A function is not invoked, because too many run.
    FunctionThrottles,
    /// An alarm is on, for something that no other finding tells.
    Alarm,
    /// A part of the stack could not be read.
    Unreadable,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How severe it is.
    pub severity: Severity,
    /// What kind it is of.
    pub kind: Kind,
    /// What is wrong.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub advice: String,
    /// The commands for it.
    pub commands: Vec<String>,
    /// The section of the documents that tells more, as a path in the repository.
    pub more: String,
}
