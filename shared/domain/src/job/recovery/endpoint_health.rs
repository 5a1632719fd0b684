//! What the owner of a webhook is told about its endpoint.

use jiff::Timestamp;

use crate::{
    job::recovery::record::Recovery,
    webhook::{Status, health::failure_run::FailureRun},
};

/// How a webhook's endpoint is. All times are `None` if the endpoint works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Since when all attempts have failed, if the breaker is open: deliveries are held.
    pub failing_since: Option<Timestamp>,
    /// When the next probe is due, if one is.
    pub next_probe_at: Option<Timestamp>,
    /// When the webhook is disabled, unless something arrives until then. It is told while the breaker
    /// is open, and on the last day before.
    pub disables_at: Option<Timestamp>,
    /// Whether what is held for the endpoint is being sent.
    pub is_catching_up: bool,
}

impl EndpointHealth {
    /// The health of a webhook with this status, recovery and failure run.
    ///
    /// A paused or disabled webhook gets no probes and will not be disabled. What was held for its
    /// endpoint is still held.
    pub fn of(status: Status, recovery: Option<&Recovery>, run: Option<&FailureRun>, now: Timestamp) -> Self {
        let opened = recovery.filter(|recovery| recovery.is_open());
        let probed = opened.filter(|_| status == Status::Active);
        let is_told = |run: &&FailureRun| probed.is_some() || run.is_nearly_too_long(now);
        Self {
            failing_since: opened.and_then(Recovery::failing_since),
            next_probe_at: probed.and_then(|recovery| recovery.due_at),
            disables_at: run
                .filter(|_| status == Status::Active)
                .filter(is_told)
                .map(FailureRun::disables_at),
            is_catching_up: status == Status::Active && recovery.is_some_and(|recovery| !recovery.is_open()),
        }
    }

    /// Whether the breaker is open.
    pub fn is_failing(&self) -> bool {
        self.failing_since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::job::recovery::RecoveryRules;

    const RULES: RecoveryRules =
        RecoveryRules { waiting_limit: 2_000, most_per_second: 100, time_scale: 1.0 };

    #[test]
    fn an_endpoint_is_told_of_while_its_breaker_is_open_or_its_webhook_is_nearly_disabled() {
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let run = FailureRun { since: at(0), attempts: 100 };
        let open = Recovery::opened(&run, None, at(1), &RULES);
        let parked = Recovery { due_at: None, ..open.clone() };
        let closed = open.closed(at(2));
        let disables = Some(at(5 * 24 * 60));
        for (what, status, recovery, run, minutes, expected) in [
            ("it works", Status::Active, None, None, 5, (None, None, None)),
            ("it fails a little", Status::Active, None, Some(&run), 5, (None, None, None)),
            ("it has failed for four days", Status::Active, None, Some(&run), 5_760, (None, None, disables)),
            (
                "its breaker is open",
                Status::Active,
                Some(&open),
                Some(&run),
                5,
                (Some(at(0)), Some(at(2)), disables),
            ),
            ("it was changed since", Status::Active, Some(&open), None, 5, (Some(at(0)), Some(at(2)), None)),
            ("it catches up", Status::Active, closed.as_ref(), None, 5, (None, None, None)),
            ("it is paused", Status::Paused, Some(&open), Some(&run), 5, (Some(at(0)), None, None)),
            ("it is parked", Status::Paused, Some(&parked), Some(&run), 5, (Some(at(0)), None, None)),
            ("it is disabled", Status::Disabled, Some(&open), Some(&run), 7_200, (Some(at(0)), None, None)),
        ] {
            let health = EndpointHealth::of(status, recovery, run, at(minutes));
            let told = (health.failing_since, health.next_probe_at, health.disables_at);
            assert_eq!(told, expected, "{what}");
            assert_eq!(health.is_failing(), expected.0.is_some(), "{what}");
            assert_eq!(health.is_catching_up, what == "it catches up", "{what}");
        }
    }
}
