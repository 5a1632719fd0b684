//! What a receive counts for in the metrics.
//!
//! The catalogue is [`Metric`]. A receive counts for what became of its attempt, of its delivery and
//! of its message. The last keeps the books: a message that ends is `Done`, and the copy that a delay
//! sends is `Sent`.

use jiff::Timestamp;
use storehook_aws::metrics::{Metric, Tally};
use storehook_domain::{
    delivery::{
        disposition::Disposition,
        lane::Lane,
        outcome::{FailedAttempt, Outcome},
    },
    history::decision::Known,
};

use crate::{after::queues::Reported, attempt::Receipt, message::Received, skipped::Skipped};

/// What became of a receive.
pub(crate) struct Ended<'a> {
    pub(crate) received: &'a Received<'a>,
    pub(crate) receipt: &'a Receipt,
    /// When the attempt was due, as far as anybody knows.
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) ended_at: Timestamp,
    pub(crate) disposition: Disposition,
    pub(crate) reported: Reported,
    /// Whether the history could be written, if there was something to write.
    pub(crate) is_recorded: bool,
    /// Whether it disabled the webhook.
    pub(crate) has_disabled: bool,
}

/// What a receive counts for.
pub(crate) fn of(ended: &Ended<'_>) -> Tally {
    let Ended { receipt, disposition, .. } = ended;
    let mut tally = Tally::default();
    match &receipt.attempt {
        Ok(attempt) => {
            match &attempt.outcome {
                Outcome::Delivered => tally.count(Metric::Delivered, 1),
                Outcome::Delayed(_) => tally.count(Metric::Delayed, 1),
                Outcome::Failed { reason, .. } => {
                    tally.count(Metric::Failed, 1);
                    tally.count(Metric::Refused, i64::from(*reason == FailedAttempt::NotAllowed));
                }
            }
            let is_dead = matches!(disposition, Disposition::Exhausted(_));
            tally.count(Metric::Dead, i64::from(is_dead));
            measure(&mut tally, ended, attempt.outcome == Outcome::Delivered);
        }
        Err(Skipped::Cancelled) => tally.count(Metric::Cancelled, 1),
        Err(Skipped::Duplicate | Skipped::Superseded) => tally.count(Metric::Suppressed, 1),
        Err(
            Skipped::Exhausted | Skipped::Early | Skipped::Held(_) | Skipped::Crowded | Skipped::Target(_),
        ) => {}
    }
    tally.count(Metric::Held, i64::from(*disposition == Disposition::Hold));
    tally.count(Metric::WebhooksDisabled, i64::from(ended.has_disabled));
    let is_unknown = matches!(receipt.history, Known::Nothing);
    tally.count(Metric::HistoryFailures, i64::from(is_unknown) + i64::from(!ended.is_recorded));
    if ended.reported == Reported::Done {
        tally.count(Metric::Done, 1);
        tally.count(Metric::Sent, i64::from(matches!(disposition, Disposition::Delay(_))));
    }
    tally
}

/// Measures how long an attempt has taken since it was due, and a delivery since its event.
fn measure(tally: &mut Tally, ended: &Ended<'_>, is_delivered: bool) {
    let Ended { received, due_at, ended_at, .. } = ended;
    let since = |at: Timestamp| u64::try_from(ended_at.duration_since(at).as_millis()).unwrap_or(0);
    let scheduled = match received.lane {
        Lane::Fast => Metric::ScheduledLatencyFast,
        Lane::Slow => Metric::ScheduledLatencySlow,
    };
    if let Some(due_at) = *due_at {
        tally.measure(scheduled, since(due_at));
    }
    // A replay is late by as long as its app likes.
    if is_delivered && received.message.run.is_events_own() {
        tally.measure(Metric::Latency, since(received.message.envelope.triggered_at));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use storehook_aws::metrics::{Metric, Tally};
    use storehook_domain::webhook::address_policy::AddressPolicy;

    use crate::{
        Sender, Settings,
        stand_in::{Table, deliver_all, deliver_by, deliver_with, delivery},
        transport::Transport,
    };

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    /// What was counted, without `Missing`, which follows from it.
    fn counted(tally: &Tally) -> BTreeMap<&'static str, i64> {
        let metrics = Metric::ALL.into_iter().filter(|metric| *metric != Metric::Missing);
        let counts = metrics.map(|metric| (metric.name(), tally.counted(metric)));
        counts.filter(|(_, count)| *count != 0).collect()
    }

    #[tokio::test]
    async fn each_receive_counts_for_what_became_of_it() -> TestResult {
        for (handle, message, expected) in [
            ("m", delivery(7, 0), &[("Delivered", 1), ("Done", 1)][..]),
            ("m", delivery(8, 0), &[("Failed", 1)]),
            ("m-again-retry", delivery(8, 172_400), &[("Dead", 1), ("Failed", 1)]),
            ("before", delivery(14, 200_000), &[]),
            ("m", delivery(9, 0), &[("Done", 1), ("Held", 1)]),
            ("m", delivery(10, 0), &[]),
            ("m", delivery(11, 0), &[("Cancelled", 1), ("Done", 1)]),
            ("m", delivery(12, 0), &[("Done", 1), ("Suppressed", 1)]),
            ("m", delivery(13, 0), &[("Delayed", 1), ("Done", 1), ("Sent", 1)]),
            ("m", delivery(13, 172_750), &[("Dead", 1), ("Delayed", 1)]),
            ("m", "no delivery".to_owned(), &[]),
        ] {
            let tally = deliver_all(&[(handle, message.clone())]).await?.tally;
            assert_eq!(counted(&tally), expected.iter().copied().collect(), "{handle}: {message}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn an_address_that_the_guard_refuses_is_counted() -> TestResult {
        let messages = [("m", delivery(7, 0))];
        let refused = deliver_by(&messages, "30", Table::Works, |dependencies| {
            let settings =
                Settings { address_policy: AddressPolicy::default(), ..dependencies.settings.clone() };
            dependencies.transport = Transport::Network(Box::new(Sender::new(&settings)?));
            Ok(())
        });
        let expected = [("Failed", 1), ("Refused", 1)].into_iter().collect();
        assert_eq!(counted(&refused.await?.tally), expected);
        Ok(())
    }

    /// A delivery whose record cannot be read and then not be written counts twice: two calls failed.
    #[tokio::test]
    async fn a_history_that_fails_is_counted() -> TestResult {
        for (message, expected) in [
            (delivery(7, 0), &[("Delivered", 1), ("Done", 1), ("HistoryFailures", 2)][..]),
            (delivery(9, 0), &[("HistoryFailures", 2)]),
        ] {
            let tally = deliver_with(&[("m", message)], "30", Table::Refuses).await?.tally;
            assert_eq!(counted(&tally), expected.iter().copied().collect());
        }
        Ok(())
    }

    #[tokio::test]
    async fn an_attempt_is_measured_from_when_it_was_due_and_a_delivery_from_its_event() -> TestResult {
        let retried = delivery(7, 500).replace("\"payload\"", "\"run\":\"redeliver:x\",\"payload\"");
        for (handle, message, metric, due, is_measured) in [
            ("m", delivery(7, 30), Metric::ScheduledLatencyFast, 30_000, true),
            ("m-retry", delivery(8, 500), Metric::ScheduledLatencySlow, 500_000, false),
            ("m", retried, Metric::ScheduledLatencyFast, 500_000, false),
        ] {
            let tally = deliver_all(&[(handle, message)]).await?.tally;
            let [took] = tally.measured(metric)[..] else { return Err(handle.into()) };
            assert!((due..due + 60_000).contains(&took), "{handle}: {took} ms");
            assert_eq!(tally.measured(Metric::Latency).len(), usize::from(is_measured), "{handle}");
        }
        Ok(())
    }
}
