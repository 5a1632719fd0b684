//! Dispositions: what becomes of a received message.

use std::time::Duration;

/// The longest time for which a message is hidden. SQS allows 12 h, counted from the receive
/// (visibility timeout), and the attempt has used up a part of it.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(12 * 60 * 60 - 120);

/// What becomes of a received message. It is decided once. The calls to SQS, the record and the log
/// line all follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// SQS deletes the message.
    Ack,
    /// A copy of the message comes after this wait, and SQS deletes this message. That is not a
    /// failure and uses up no receive.
    Delay(Duration),
    /// The message comes again, for another attempt.
    Retry {
        /// The wait until the attempt is due.
        due_in: Duration,
        /// How long the message is hidden. In the fast lane that may be shorter than `due_in`: the
        /// rest of a long wait is spent in the slow lane, where the record holds the attempt back.
        hidden_for: Duration,
    },
    /// The delivery is kept in the history, and SQS deletes the message.
    Hold,
    /// No further attempt is made. After this wait the message fails each time it comes, until SQS
    /// moves it.
    Exhausted(Duration),
}

impl Disposition {
    /// Another attempt after this wait. The message is hidden for the whole wait.
    pub const fn retry(wait: Duration) -> Self {
        Self::Retry { due_in: wait, hidden_for: wait }
    }

    /// The wait before the message or its copy comes again, in whole seconds as SQS takes it. It is
    /// rounded up, so no wait is shortened. `None` if nothing comes again.
    pub fn wait_seconds(self) -> Option<i32> {
        let wait = match self {
            Self::Ack | Self::Hold => return None,
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
    fn waits_are_rounded_up_to_whole_seconds() {
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
