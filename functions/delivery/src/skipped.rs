//! Why a received message was not attempted. The reason, or the attempt, gives the receive its name
//! in the log and its state in the history.

use storehook_domain::{
    delivery::outcome::Outcome,
    history::{attempt::Attempt, held_for::HeldFor, record::admission::Admission, state::DeliveryState},
};

use crate::lookup::found::TargetError;

/// Why a receive made no attempt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Skipped {
    #[error("the delivery is past its schedule")]
    Exhausted,
    #[error("it was delivered before")]
    Duplicate,
    #[error("another message makes the attempts of its run, or a later run has begun")]
    Superseded,
    #[error("its next attempt is not due yet")]
    Early,
    #[error("the webhook or its installation was deleted, or the app uninstalled")]
    Cancelled,
    #[error("the webhook is {}", .0.as_str())]
    Held(HeldFor),
    #[error("the endpoint's host has as many requests at once as it may")]
    Crowded,
    #[error("the webhook and its installation could not be loaded")]
    Target(#[from] TargetError),
}

impl Skipped {
    /// The reason that an admission gives; `None` if it admits the message to an attempt.
    pub(crate) fn by(admission: Admission) -> Option<Self> {
        match admission {
            Admission::Attempt | Admission::LastAttempt => None,
            Admission::Wait(_) => Some(Self::Early),
            Admission::Exhausted => Some(Self::Exhausted),
            Admission::Delivered => Some(Self::Duplicate),
            Admission::Superseded => Some(Self::Superseded),
        }
    }

    /// The state that the delivery gets; `None` if the reason says nothing about the delivery. A
    /// held delivery is recorded before its message ends, not after.
    pub(crate) fn state(&self) -> Option<DeliveryState> {
        match self {
            Self::Cancelled => Some(DeliveryState::Cancelled),
            Self::Exhausted
            | Self::Duplicate
            | Self::Superseded
            | Self::Early
            | Self::Held(_)
            | Self::Crowded
            | Self::Target(_) => None,
        }
    }

    /// Whether the message ends.
    pub(crate) fn ends_message(&self) -> bool {
        match self {
            Self::Duplicate | Self::Superseded | Self::Cancelled | Self::Held(_) => true,
            Self::Exhausted | Self::Early | Self::Crowded | Self::Target(_) => false,
        }
    }
}

/// The name of a receive in the log.
pub(crate) fn log_name(attempt: Result<&Attempt, &Skipped>) -> &'static str {
    match attempt.map(|attempt| &attempt.outcome) {
        Ok(Outcome::Delivered) => "delivered",
        Ok(Outcome::Delayed(_)) => "delayed",
        Ok(Outcome::Failed { .. }) => "failed",
        Err(Skipped::Duplicate) => "duplicate",
        Err(Skipped::Superseded) => "superseded",
        Err(Skipped::Exhausted) => "exhausted",
        Err(Skipped::Early) => "early",
        Err(Skipped::Cancelled) => "cancelled",
        Err(Skipped::Held(_)) => "held",
        Err(Skipped::Crowded) => "crowded",
        Err(Skipped::Target(_)) => "not attempted",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use storehook_aws::stand_in::logged;

    use crate::{
        Sender,
        stand_in::{Table, deliver_all, deliver_by, delivery},
        transport::Transport,
    };

    #[tokio::test]
    async fn a_batch_sends_one_host_fifty_requests_at_once_and_the_rest_after_them()
    -> Result<(), Box<dyn std::error::Error>> {
        let messages: Vec<_> = (0..100).map(|age| (format!("m{age}-retry"), delivery(16, age))).collect();
        let messages: Vec<_> = messages.iter().map(|(id, body)| (id.as_str(), body.clone())).collect();
        let seen = deliver_all(&messages).await?;
        assert!(seen.failed.is_empty() && seen.sent.is_empty(), "all are delivered: {:?}", seen.failed);
        assert_eq!(seen.gathered, (0, 50));
        Ok(())
    }

    /// The endpoint is not to blame for its neighbours.
    #[tokio::test]
    async fn a_message_without_a_place_comes_again_and_counts_for_nothing()
    -> Result<(), Box<dyn std::error::Error>> {
        for (history_days, is_on) in [("30", true), ("0", false)] {
            let messages = [("m", delivery(8, 0)), ("m-retry", delivery(8, 1_000))];
            let crowded = deliver_by(&messages, history_days, Table::Works, |dependencies| {
                let sender = Sender::new(&dependencies.settings)?;
                dependencies.transport = Transport::Network(Box::new(sender.without_places()));
                Ok(())
            });
            let (seen, lines) = logged(crowded).await;
            let seen = seen?;
            assert!(seen.failed.is_empty() && seen.hidden.is_empty(), "no receive is used up");
            let mut delays: Vec<_> = seen.sent.iter().map(|copy| copy["DelaySeconds"].as_u64()).collect();
            delays.sort();
            let mut queues: Vec<_> = seen.sent.iter().map(|copy| copy["QueueUrl"].as_str()).collect();
            queues.sort();
            assert_eq!(queues, [Some("https://sqs/delivery"), Some("https://sqs/retry")], "each in its lane");
            let [Some(fresh), Some(old)] = delays[..] else { return Err("two copies".into()) };
            assert!((10..=20).contains(&fresh) && (20..=31).contains(&old), "{fresh} s, {old} s");
            assert!(seen.writes.is_empty(), "neither the history nor the webhook: {:?}", seen.writes);
            let told: Vec<_> = lines.iter().filter(|line| line["message"] == "attempt").collect();
            assert_eq!(told.len(), 2);
            for line in told {
                assert_eq!(line["delivery.state"], "crowded", "the history is on: {is_on}");
                assert_eq!(
                    line["attempt.reason"],
                    json!("the endpoint's host has as many requests at once as it may")
                );
                assert_eq!(line["webhook.host"], "127.0.0.1");
            }
        }
        Ok(())
    }
}
