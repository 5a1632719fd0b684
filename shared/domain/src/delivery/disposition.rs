//! What becomes of a message that was received.

use std::time::Duration;

/// The longest that a message is hidden. SQS allows 12 h from when it was received (visibility timeout), of
/// which the attempt itself has taken a part.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(12 * 60 * 60 - 120);

/// What becomes of a message that was received. It is decided once; what the function tells SQS, what the
/// record says and what the log says all follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// SQS deletes it.
    Ack,
    /// A copy of it comes after this wait, and SQS deletes this one: no failure, and no receive used up.
    Delay(Duration),
    /// It comes again, for another attempt.
    Retry {
        /// After which wait the attempt is due.
        due_in: Duration,
        /// For how long the message is hidden. In the fast lane that may be less: a long wait is spent in
        /// the slow lane, where the record holds the attempt back.
        hidden_for: Duration,
    },
    /// No further attempt is made. After this wait it fails each time it comes, until SQS moves it on.
    Exhausted(Duration),
}

impl Disposition {
    /// Another attempt after this wait, for which the message is hidden.
    pub fn retry(wait: Duration) -> Self {
        Self::Retry { due_in: wait, hidden_for: wait }
    }

    /// The wait before the message, or its copy, comes again, as SQS takes it: whole seconds, rounded up so
    /// that no wait is shortened. `None` where nothing comes again.
    pub fn wait_seconds(self) -> Option<i32> {
        let wait = match self {
            Self::Ack => return None,
            Self::Delay(wait) | Self::Retry { hidden_for: wait, .. } | Self::Exhausted(wait) => {
                wait.min(LONGEST_WAIT)
            }
        };
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Some(i32::try_from(seconds).unwrap_or(i32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqs_gets_whole_seconds_never_fewer_than_the_wait() {
        for (wait, seconds) in
            [(0.0, 0), (0.001, 1), (1.0, 1), (1.2, 2), (14_400.0, 14_400), (90_000.0, 43_080)]
        {
            assert_eq!(
                Disposition::Delay(Duration::from_secs_f64(wait)).wait_seconds(),
                Some(seconds),
                "{wait}"
            );
        }
    }

    #[test]
    fn an_acknowledged_message_does_not_come_again() {
        assert_eq!(Disposition::Ack.wait_seconds(), None);
    }
}
