//! What is noted of a share of a large fan-out: how many of its steps are done, and by which message
//! the last one was.
//!
//! A step is noted before the next one is queued, the last step as well. So a message that comes
//! again sends nothing, and queues the next step if it is the one that made the step. Without a
//! record a step is made, whichever it is: its message says all that it needs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    job::{
        fan_out::{FanOutShare, Range},
        turn::Turn,
    },
    webhook::WebhookId,
};

/// How long a record is kept after a step: longer than a failed step is tried, which is 48 hours.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(3 * 24);

/// What is kept of a share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRecord {
    /// How many steps are done.
    pub steps: u32,
    /// The SQS message that made the last of them.
    pub noted_by: String,
    /// What is left; `None` if every webhook is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// When it is forgotten, in seconds since the Unix epoch.
    pub expires_at: i64,
}

/// What a step left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// Which webhooks are done, in their order.
    pub done: Vec<Range>,
    /// The pause before the next step, in seconds.
    pub pause: u64,
}

impl ShareRecord {
    /// The record after a step that came as this message and found these webhooks in
    /// [`FanOutShare::rest`], in their order, each with whether it is done. The next step begins
    /// after the pause.
    pub fn after_step(
        step: &FanOutShare,
        message_id: &str,
        webhooks: &[(WebhookId, bool)],
        pause: Duration,
        now: Timestamp,
    ) -> Self {
        let is_done = webhooks.iter().all(|(_, is_done)| *is_done);
        let done = step.done_after(webhooks.iter().copied());
        Self {
            steps: step.number,
            noted_by: message_id.to_owned(),
            rest: (!is_done).then_some(Rest { done, pause: pause.as_secs() }),
            expires_at: now.as_second().saturating_add(KEPT_FOR.as_secs()),
        }
    }

    /// What is to be done with a step that came as this SQS message.
    pub fn turn(record: Option<&Self>, step: &FanOutShare, message_id: &str) -> Turn {
        record.map_or(Turn::Make, |record| {
            Turn::of(step.number, message_id, record.steps, Some(&record.noted_by))
        })
    }

    /// The step after this one, and the pause before it; `None` if the share is done.
    pub fn next_step(&self, step: &FanOutShare) -> Option<(FanOutShare, Duration)> {
        let rest = self.rest.as_ref()?;
        let number = self.steps.saturating_add(1);
        let next = FanOutShare { number, done: rest.done.clone(), ..step.clone() };
        Some((next, Duration::from_secs(rest.pause)))
    }

    /// Whether it is still kept. DynamoDB deletes expired items within a few days ("Time to Live").
    pub fn is_kept(&self, now: Timestamp) -> bool {
        self.expires_at > now.as_second()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::event::origin::RecordOrigin;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn share() -> Result<FanOutShare, serde_json::Error> {
        let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: NOW };
        let range = Range { from: WebhookId::new(1), to: WebhookId::new(3) };
        Ok(FanOutShare::begin(&origin, RawValue::from_string("{}".to_owned())?, range))
    }

    fn webhooks(done: [bool; 3]) -> [(WebhookId, bool); 3] {
        [1, 2, 3].map(|id| (WebhookId::new(id), done[id as usize - 1]))
    }

    #[test]
    fn a_share_takes_as_many_steps_as_it_needs() -> TestResult {
        let first = share()?;
        assert_eq!(ShareRecord::turn(None, &first, "m-1"), Turn::Make);
        let pause = Duration::from_secs(10);
        let record = ShareRecord::after_step(&first, "m-1", &webhooks([true, false, true]), pause, NOW);
        let (second, waits) = record.next_step(&first).ok_or("it is done")?;
        assert_eq!((second.number, waits, second.rest().from), (2, pause, WebhookId::new(2)));
        for (step, message_id, turn) in
            [(&first, "m-1", Turn::QueueNext), (&first, "m-2", Turn::End), (&second, "m-3", Turn::Make)]
        {
            assert_eq!(ShareRecord::turn(Some(&record), step, message_id), turn, "{message_id}");
        }
        let record = ShareRecord::after_step(&second, "m-3", &webhooks([true; 3])[1..], pause, NOW);
        assert!(record.next_step(&second).is_none());
        assert_eq!(ShareRecord::turn(Some(&record), &second, "m-3"), Turn::QueueNext, "which is none");
        assert_eq!(ShareRecord::turn(Some(&record), &first, "m-1"), Turn::End);
        // The record has expired, and the message says what is left.
        assert_eq!(ShareRecord::turn(None, &second, "m-3"), Turn::Make);
        Ok(())
    }

    #[test]
    fn a_share_without_webhooks_is_done() -> TestResult {
        let record = ShareRecord::after_step(&share()?, "m-1", &[], Duration::ZERO, NOW);
        assert_eq!((record.steps, record.rest), (1, None));
        Ok(())
    }

    #[test]
    fn a_record_is_kept_for_three_days() -> TestResult {
        let record = ShareRecord::after_step(&share()?, "m-1", &[], Duration::ZERO, NOW);
        let days = 24 * 60 * 60;
        assert!(record.is_kept(Timestamp::from_second(3 * days - 1)?));
        assert!(!record.is_kept(Timestamp::from_second(3 * days)?));
        Ok(())
    }
}
