//! What is wrong with a queue.

use jiff::SignedDuration;
use storehook_domain::words::{
    number::{count, counted},
    time::span,
};

use super::{
    commands::storehook,
    finding::{Finding, Kind, Severity},
};
use crate::status::facts::{Facts, Queue, QueueFacts};

/// From how many messages in flight a queue is near its quota, and from how many somebody must act. SQS
/// lets about 120,000 messages of a standard queue be in flight (Amazon SQS message quotas).
const NEARLY_FULL: u64 = 60_000;
const FULL: u64 = 100_000;

/// From which age on messages are late, and very late. In the fast lane a message waits 40 s for its
/// second receive. A step of a job may wait for 15 minutes, again and again.
///
/// The slow lane has no limit: its messages wait for hours, and SQS leaves a message out of the metric
/// once it was received three times (Amazon SQS Developer Guide, "Available CloudWatch metrics").
fn late(queue: Queue) -> Option<(u64, u64)> {
    const MINUTE: u64 = 60;
    match queue {
        Queue::Delivery => Some((5 * MINUTE, 60 * MINUTE)),
        Queue::Jobs => Some((60 * MINUTE, 24 * 60 * MINUTE)),
        Queue::Retry | Queue::DeadLetter | Queue::Rejected => None,
    }
}

pub(super) fn of(facts: &Facts, queue: &QueueFacts) -> Vec<Finding> {
    let kept = match queue.queue {
        Queue::DeadLetter => dead_letters(facts, queue),
        Queue::Rejected => rejected(facts, queue),
        _ => None,
    };
    [kept, in_flight(queue), oldest(queue)].into_iter().flatten().collect()
}

/// All messages of a queue that nobody works on.
fn all(queue: &QueueFacts) -> u64 {
    [queue.waiting, queue.in_flight, queue.delayed].into_iter().flatten().sum()
}

fn dead_letters(facts: &Facts, queue: &QueueFacts) -> Option<Finding> {
    let number = Some(all(queue)).filter(|number| *number > 0)?;
    let are = if number == 1 { "is" } else { "are" };
    Some(Finding {
        severity: Severity::Wrong,
        kind: Kind::DeadLetters,
        what: format!("{} {are} in {}.", counted(number, "dead letter", "dead letters"), queue.name),
        why: "Their attempts have failed for 48 hours, and nobody attempts them any more. SQS deletes a dead letter 14 \
              days after its delivery was first queued."
            .to_owned(),
        advice: "See whose they are, have the endpoints mended, and send them again.".to_owned(),
        commands: vec![storehook(facts, "redrive --dry-run"), storehook(facts, "redrive")],
        more: "docs/runbook.md#dead-letters".to_owned(),
    })
}

fn rejected(facts: &Facts, queue: &QueueFacts) -> Option<Finding> {
    let number = Some(all(queue)).filter(|number| *number > 0)?;
    let are = if number == 1 { "is" } else { "are" };
    Some(Finding {
        severity: Severity::Wrong,
        kind: Kind::Rejected,
        what: format!("{} {are} in {}.", counted(number, "message", "messages"), queue.name),
        why: "They are records that are no events, or jobs that failed for 48 hours. No webhook gets them, and SQS \
              deletes them after 14 days."
            .to_owned(),
        advice: "Read the reasons, mend the records, and put them back.".to_owned(),
        commands: vec![storehook(facts, "republish --dry-run"), storehook(facts, "republish")],
        more: "docs/runbook.md#rejected".to_owned(),
    })
}

fn in_flight(queue: &QueueFacts) -> Option<Finding> {
    let number = queue.in_flight.filter(|number| *number >= NEARLY_FULL)?;
    let advice = match queue.queue {
        Queue::Retry => {
            "Many deliveries wait for a retry. Have the endpoints mended, lower `WaitingLimit` so that more are held, or \
             ask AWS to raise the quota."
        }
        Queue::Delivery => {
            "Deliveries fail faster than the breakers hold them, or the function does not come after. See whether it \
             fails or is throttled, lower `BreakerFailures`, or ask AWS to raise the quota."
        }
        _ => "See who receives from this queue and does not delete.",
    };
    Some(Finding {
        severity: if number >= FULL { Severity::Urgent } else { Severity::Wrong },
        kind: Kind::InFlight,
        what: format!("{} has {} messages in flight.", queue.name, count(number)),
        why: "At about 120,000 SQS hands out no more messages of the queue, whoever they are for.".to_owned(),
        advice: advice.to_owned(),
        commands: Vec::new(),
        more: "docs/runbook.md#in-flight".to_owned(),
    })
}

fn oldest(queue: &QueueFacts) -> Option<Finding> {
    let (late, very_late) = late(queue.queue)?;
    let age = queue.oldest_seconds.filter(|age| *age >= late)?;
    let (why, advice, more) = match queue.queue {
        Queue::Delivery => (
            "First attempts are late, of all webhooks.",
            "See whether the delivery function fails or is throttled. If it is only busy, raise `DeliveryConcurrency`.",
            "docs/runbook.md#fast-lane-old",
        ),
        _ => (
            "Replays, recoveries and large fan-outs stand still.",
            "See whether the fan-out function fails, and whether it reaches DynamoDB and SQS.",
            "docs/runbook.md#function-errors",
        ),
    };
    let told = span(SignedDuration::from_secs(i64::try_from(age).unwrap_or(i64::MAX)));
    Some(Finding {
        severity: if age >= very_late { Severity::Urgent } else { Severity::Wrong },
        kind: Kind::OldestAge,
        what: format!("The oldest message in {} has waited for {told}.", queue.name),
        why: why.to_owned(),
        advice: advice.to_owned(),
        commands: Vec::new(),
        more: more.to_owned(),
    })
}
