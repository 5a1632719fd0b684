//! The kinds of faults, and how often each happens.

/// An AWS service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// DynamoDB.
    DynamoDb,
    /// SQS.
    Sqs,
    /// Kinesis.
    Kinesis,
}

/// How a call to a service fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFault {
    /// The service refuses it because there are too many. Nothing is changed.
    Throttled,
    /// The service responds with a 5xx. Nothing is changed.
    Failed,
    /// The call is carried out, and the connection breaks before the response.
    Lost,
    /// The call is carried out after a long time, and the response takes as long again.
    Slow,
}

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An invocation ends in the middle.
    Killed,
    /// An invocation stops making progress until its time is up.
    Frozen,
    /// An invocation stops for a while and then goes on, perhaps until its time is up.
    Stalled,
    /// The clock of an environment is set to another time, earlier or later.
    ClockJumped,
    /// A call to a service.
    Call(Service, CallFault),
    /// DynamoDB leaves a part of a batch undone.
    Unprocessed,
    /// DynamoDB cancels a transaction that met another one.
    TransactionConflict,
    /// SQS does not take a message of a batch.
    Untaken,
    /// SQS loses a job that it has taken. AWS promises that it does not.
    JobLost,
    /// SQS loses a delivery that it has taken. AWS promises that it does not.
    DeliveryLost,
    /// SQS shows a message again, while somebody works on it.
    ShownTwice,
    /// SQS does not delete a message that is done.
    Undeleted,
    /// A message is in the queue twice, with two ids.
    SentTwice,
    /// A message comes minutes late.
    Late,
    /// A receive is lost on its way to the poller.
    ReceiveLost,
    /// Records of the stream are read once more.
    Reread,
    /// The iterator of a shard expires, and the poller goes back to its last position.
    IteratorExpired,
    /// A store publishes an event twice.
    PublishedTwice,
    /// An endpoint takes a delivery, and resets the connection before it responds.
    EndpointReset,
    /// An endpoint takes a delivery, and responds too late.
    EndpointSlow,
    /// An endpoint responds with 503.
    EndpointFailed,
    /// An endpoint takes a delivery, and its response is cut in the middle.
    EndpointTruncated,
}

const fn calls(service: Service) -> [Fault; 4] {
    [
        Fault::Call(service, CallFault::Throttled),
        Fault::Call(service, CallFault::Failed),
        Fault::Call(service, CallFault::Lost),
        Fault::Call(service, CallFault::Slow),
    ]
}

impl Fault {
    /// How many kinds there are.
    pub const COUNT: usize = Self::ALL.len();

    /// All kinds.
    pub const ALL: [Self; 33] = {
        let [a, b, c, d] = calls(Service::DynamoDb);
        let [e, f, g, h] = calls(Service::Sqs);
        let [i, j, k, l] = calls(Service::Kinesis);
        [
            Self::Killed,
            Self::Frozen,
            Self::Stalled,
            Self::ClockJumped,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
            k,
            l,
            Self::Unprocessed,
            Self::TransactionConflict,
            Self::Untaken,
            Self::JobLost,
            Self::DeliveryLost,
            Self::ShownTwice,
            Self::Undeleted,
            Self::SentTwice,
            Self::Late,
            Self::ReceiveLost,
            Self::Reread,
            Self::IteratorExpired,
            Self::PublishedTwice,
            Self::EndpointReset,
            Self::EndpointSlow,
            Self::EndpointFailed,
            Self::EndpointTruncated,
        ]
    };

    /// Its position in [`Self::ALL`].
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|fault| *fault == self).unwrap_or_default()
    }

    /// Whether it may be why an endpoint gets a delivery again that it has taken and said so. A call
    /// that fails may be that of the history, without which copies are not told apart.
    pub fn may_repeat(self) -> bool {
        !matches!(
            self,
            Self::Late
                | Self::ReceiveLost
                | Self::Untaken
                | Self::JobLost
                | Self::DeliveryLost
                | Self::EndpointFailed
        )
    }

    /// What it is called in reports.
    pub fn name(self) -> String {
        match self {
            Self::Call(service, fault) => format!("{service:?}{fault:?}"),
            fault => format!("{fault:?}"),
        }
    }
}

/// How often each fault happens, where it can: a part of all times, from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates([f64; Fault::COUNT]);

impl Default for Rates {
    fn default() -> Self {
        Self::NONE
    }
}

impl Rates {
    /// No faults.
    pub const NONE: Self = Self([0.0; Fault::COUNT]);

    /// The same with another rate of this fault.
    pub fn with(mut self, fault: Fault, rate: f64) -> Self {
        self.0[fault.index()] = rate;
        self
    }

    /// The rate of a fault.
    pub fn of(&self, fault: Fault) -> f64 {
        self.0[fault.index()]
    }

    /// The same, with every fault so many times less often.
    pub fn rarer(self, times: f64) -> Self {
        Self(self.0.map(|rate| rate / times))
    }

    /// Every fault that AWS allows, mixed at random: each up to twice its usual rate, and some not at
    /// all.
    pub fn mixed(random: &mut fastrand::Rng) -> Self {
        Fault::ALL.into_iter().fold(Self::NONE, |rates, fault| {
            let part = if random.f64() < 0.1 { 0.0 } else { random.f64() * 2.0 };
            rates.with(fault, fault.usual_rate() * part)
        })
    }
}

impl Fault {
    /// How often it happens in a mix: far more often than on AWS.
    pub fn usual_rate(self) -> f64 {
        match self {
            Self::JobLost | Self::DeliveryLost => 0.0,
            Self::Frozen | Self::Reread | Self::IteratorExpired => 0.002,
            Self::Call(_, CallFault::Slow) | Self::Stalled | Self::Unprocessed => 0.005,
            Self::EndpointReset | Self::EndpointSlow | Self::EndpointTruncated => 0.005,
            Self::Call(..) | Self::Killed | Self::ClockJumped | Self::TransactionConflict => 0.01,
            Self::Untaken | Self::ShownTwice | Self::Undeleted | Self::SentTwice => 0.01,
            Self::Late | Self::ReceiveLost | Self::PublishedTwice | Self::EndpointFailed => 0.01,
        }
    }
}
