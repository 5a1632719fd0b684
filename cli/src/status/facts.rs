//! The facts about a stack that its status is judged by.
//!
//! A fact that nobody knows is `None`: CloudWatch has no data of a quiet queue or function, and the
//! emulator has none at all. A fact that could not be read is `None` as well, and
//! [`Facts::unreadable`] says why.

use jiff::Timestamp;
use serde::Serialize;
use storehook_domain::webhook::WebhookKey;

/// The facts about a stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// The stack's name.
    pub stack: String,
    /// Whether it is the local stack.
    pub is_local: bool,
    /// When the facts were read.
    pub at: Timestamp,
    /// The queues.
    pub queues: Vec<QueueFacts>,
    /// The records that Lambda gave up.
    pub given_up: Option<GivenUpFacts>,
    /// The stream of events.
    pub stream: StreamFacts,
    /// What invokes the functions.
    pub mappings: Vec<MappingFacts>,
    /// The functions.
    pub functions: Vec<FunctionFacts>,
    /// The webhooks whose endpoints fail.
    pub breakers: Option<BreakerFacts>,
    /// How many functions the account may run at the same time: what no other function has reserved.
    pub unreserved_concurrency: Option<u64>,
    /// The stack's alarms that are on.
    pub alarms: Option<Vec<AlarmFacts>>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// A queue's part in the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Queue {
    /// The fast lane.
    Delivery,
    /// The slow lane.
    Retry,
    /// Deliveries that nobody attempts any more.
    DeadLetter,
    /// Work of many steps.
    Jobs,
    /// Records that are no events, and jobs that failed.
    Rejected,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 5] = [Self::Delivery, Self::Retry, Self::DeadLetter, Self::Jobs, Self::Rejected];

    /// The end of its name, after the stack's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Retry => "retry",
            Self::DeadLetter => "dead-letter",
            Self::Jobs => "jobs",
            Self::Rejected => "rejected",
        }
    }
}

/// A queue. SQS counts about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueFacts {
    /// Which one.
    pub queue: Queue,
    /// Its name.
    pub name: String,
    /// How many messages wait.
    pub waiting: Option<u64>,
    /// How many are hidden: somebody works on them, or they wait for a retry.
    pub in_flight: Option<u64>,
    /// How many were sent with a delay that has not ended.
    pub delayed: Option<u64>,
    /// How old the oldest message is, in seconds.
    pub oldest_seconds: Option<u64>,
}

/// The stream of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamFacts {
    /// Its name.
    pub name: String,
    /// How many shards it has.
    pub shards: Option<u64>,
    /// How old the last record was that the fan-out read in the last quarter of an hour, in seconds.
    pub iterator_age_seconds: Option<u64>,
    /// When the fan-out last read records, in the last hour, to the minute.
    pub last_read_at: Option<Timestamp>,
    /// How many records arrived in the last quarter of an hour.
    pub arrived: Option<u64>,
    /// How many of the last hour's records arrived after the fan-out last read any, and three minutes ago
    /// or earlier.
    pub unread: Option<u64>,
}

/// The bucket of records that Lambda gave up, as far as one page of its list tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GivenUpFacts {
    /// Its name.
    pub bucket: String,
    /// How many batches of records it has, 1,000 at most. A batch has up to 100 records.
    pub batches: u64,
    /// Whether it has more.
    pub has_more: bool,
    /// Since when the oldest of these batches is there.
    pub since: Option<Timestamp>,
}

/// An event source mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappingFacts {
    /// Its id; `None` if there is no such mapping.
    pub id: Option<String>,
    /// The function that it invokes.
    pub function: String,
    /// The queue or the stream that it reads.
    pub source: String,
    /// Whether that is the stream.
    pub is_of_stream: bool,
    /// Its state, as Lambda names it.
    pub state: String,
    /// How many invocations it may make at the same time; for a stream, of each shard.
    pub concurrency: Option<u64>,
    /// What became of its last batch, as Lambda tells it.
    pub last_result: Option<String>,
}

/// A function. Its counts are those of the last hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionFacts {
    /// Its name.
    pub name: String,
    /// Its state, as Lambda names it.
    pub state: Option<String>,
    /// What became of its last update, as Lambda names it.
    pub last_update: Option<String>,
    /// Why it is in its state, or why the update failed.
    pub reason: Option<String>,
    /// Where its log is.
    pub log_group: Option<String>,
    /// How often it was invoked.
    pub invocations: Option<u64>,
    /// How often it failed.
    pub errors: Option<u64>,
    /// How often Lambda did not invoke it, because too many functions ran.
    pub throttles: Option<u64>,
}

/// The webhooks whose endpoints fail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BreakerFacts {
    /// Those whose breaker is open, the longest first.
    pub open: Vec<OpenBreaker>,
    /// How many work again and get what was held.
    pub catching_up: u64,
    /// How many recoveries have a next step that should have come a quarter of an hour ago or earlier.
    pub overdue: u64,
}

/// A webhook whose breaker is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenBreaker {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: WebhookKey,
    /// Since when all attempts have failed.
    pub failing_since: Option<Timestamp>,
    /// When a held delivery is sent to find out whether the endpoint works again.
    pub next_probe_at: Option<Timestamp>,
}

/// An alarm that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmFacts {
    /// Its name.
    pub name: String,
    /// What it is about, and where the runbook tells of it.
    pub description: String,
    /// Since when it is on.
    pub since: Option<Timestamp>,
}

/// A part of the stack that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Which part.
    pub what: String,
    /// Why.
    pub why: String,
}
