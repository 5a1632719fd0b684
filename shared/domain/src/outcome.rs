//! Outcomes: what an attempt came to.

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint took the delivery: any 2xx.
    Delivered {
        /// The status that it answered.
        status: u16,
    },
    /// It did not; the delivery is tried again while its schedule lasts.
    Failed(FailedAttempt),
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailedAttempt {
    /// An answer outside 2xx. A redirect is one too: it is never followed.
    #[error("the endpoint answered {0}")]
    Status(u16),
    /// The connection, the request and the answer did not fit into the time allowed.
    #[error("the endpoint did not answer in time")]
    TimedOut,
    /// No connection could be made.
    #[error("no connection could be made")]
    NotConnected,
    /// The host's name has no address.
    #[error("the host could not be resolved")]
    NotResolved,
    /// The address guard refused one of the host's addresses.
    #[error("the address is not allowed")]
    NotAllowed,
    /// The connection broke before the answer was whole.
    #[error("the connection broke")]
    Broken,
}

impl Outcome {
    /// What an answer's status means.
    pub fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered { status },
            _ => Self::Failed(FailedAttempt::Status(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_2xx_is_success_and_nothing_else_is() {
        for (status, is_success) in [
            (199, false),
            (200, true),
            (204, true),
            (299, true),
            (300, false),
            (301, false),
            (308, false),
            (404, false),
            (410, false),
            (429, false),
            (500, false),
        ] {
            let expected = match is_success {
                true => Outcome::Delivered { status },
                false => Outcome::Failed(FailedAttempt::Status(status)),
            };
            assert_eq!(Outcome::of_status(status), expected);
        }
    }
}
