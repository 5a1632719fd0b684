//! Which deliveries are held after a failed attempt.
//!
//! A failed probe is held again: its endpoint is still failing, and its recovery goes on. A failed
//! delivery is also held if too many others of its webhook wait for a retry. An endpoint that fails
//! now and then never opens the breaker, but ten failures a second would put 1.7 million messages in
//! flight over the 48 hours of the schedule.

use crate::{
    delivery::{disposition::Disposition, message::DeliveryMessage, run::RunId},
    event::catalogue,
    job::recovery::rules::RecoveryRules,
};

/// How many of a webhook's deliveries wait for a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// All of them.
    pub all: u64,
    /// Whether the delivery in question is one of them: an attempt of its latest run has failed.
    pub is_among: bool,
}

impl Waiting {
    /// Whether the others take all places.
    fn is_full(self, limit: u64) -> bool {
        limit > 0 && self.all.saturating_sub(u64::from(self.is_among)) >= limit
    }
}

/// Whether a delivery is held after an attempt of this run has failed. `disposition` is what would
/// become of it otherwise. A delivery that waits already keeps its place: at the limit, each would
/// lose its run.
pub fn is_held_after(
    message: &DeliveryMessage<'_>,
    disposition: Disposition,
    is_recovering: bool,
    waiting: Waiting,
    rules: &RecoveryRules,
) -> bool {
    // An uninstalled app has no webhook to which it could come back.
    if message.envelope.topic.as_str() == catalogue::APP_UNINSTALLED {
        return false;
    }
    match (disposition, &message.run) {
        (Disposition::Retry { .. } | Disposition::Exhausted(_), RunId::Probe(_)) => is_recovering,
        (Disposition::Retry { .. }, _) => waiting.is_full(rules.waiting_limit),
        (Disposition::Ack | Disposition::Delay(_) | Disposition::Hold | Disposition::Exhausted(_), _) => {
            false
        }
    }
}

/// How the number of a webhook's deliveries that wait for a retry changes with an attempt.
pub fn waiting_change(was_waiting: bool, disposition: Disposition) -> i64 {
    let waits = match disposition {
        Disposition::Retry { .. } => true,
        Disposition::Delay(_) => was_waiting,
        Disposition::Ack | Disposition::Hold | Disposition::Exhausted(_) => false,
    };
    i64::from(waits) - i64::from(was_waiting)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::delivery::message::InvalidDeliveryMessage;

    const RETRY: Disposition = Disposition::retry(Duration::from_secs(10));
    const OVER: Disposition = Disposition::Exhausted(Duration::ZERO);

    #[test]
    fn failed_probes_and_failures_beyond_the_limit_are_held() -> Result<(), InvalidDeliveryMessage> {
        let probe = RunId::Probe("1-1".to_owned());
        for (run, disposition, is_recovering, waiting, is_held) in [
            (&probe, RETRY, true, 0, true),
            (&probe, OVER, true, 0, true),
            (&probe, RETRY, false, 0, false),
            (&probe, Disposition::Ack, true, 0, false),
            (&RunId::Event, RETRY, true, 1_999, false),
            (&RunId::Event, RETRY, false, 2_000, true),
            (&RunId::Event, RETRY, false, 2_001, true),
            (&RunId::Event, OVER, true, 9_000, false),
            (&RunId::Event, Disposition::Ack, true, 9_000, false),
            (&RunId::Event, Disposition::Delay(Duration::ZERO), true, 9_000, false),
        ] {
            let waiting = |is_among| Waiting { all: waiting, is_among };
            let rules = RecoveryRules { waiting_limit: 2_000, most_per_second: 100, time_scale: 1.0 };
            let what = format!("{run}, {disposition:?}, {is_recovering}, {:?}", waiting(false));
            let message = in_run(run, "orders/create");
            let message = DeliveryMessage::parse(message.as_bytes())?;
            let holds =
                |is_among| is_held_after(&message, disposition, is_recovering, waiting(is_among), &rules);
            assert_eq!(holds(false), is_held, "{what}");
            let keeps_its_place = waiting(true).all == 2_000;
            assert_eq!(holds(true), is_held && !keeps_its_place, "{what}, it is one of them");
            let unlimited = RecoveryRules { waiting_limit: 0, ..rules };
            let by_limit = is_held_after(&message, disposition, false, waiting(false), &unlimited);
            assert!(!by_limit, "{what}, without a limit");
            let last = in_run(run, "app/uninstalled");
            let last = DeliveryMessage::parse(last.as_bytes())?;
            assert!(!is_held_after(&last, disposition, is_recovering, waiting(false), &rules), "{what}");
        }
        Ok(())
    }

    fn in_run(run: &RunId, topic: &str) -> String {
        let envelope = serde_json::json!({
            "id": "7-e", "shop": "a.example", "app": "demo", "topic": topic, "triggered_at": Timestamp::UNIX_EPOCH,
        });
        let enqueued_at = Timestamp::UNIX_EPOCH;
        serde_json::json!({"envelope": envelope, "enqueued_at": enqueued_at, "run": run, "payload": {}})
            .to_string()
    }

    #[test]
    fn a_delivery_waits_from_its_first_failure_to_its_end() {
        for (was_waiting, disposition, change) in [
            (false, RETRY, 1),
            (true, RETRY, 0),
            (false, Disposition::Ack, 0),
            (true, Disposition::Ack, -1),
            (true, Disposition::Hold, -1),
            (true, OVER, -1),
            (true, Disposition::Delay(Duration::ZERO), 0),
        ] {
            assert_eq!(waiting_change(was_waiting, disposition), change, "{was_waiting}, {disposition:?}");
        }
    }
}
