//! One receive, start to end: the attempt, what becomes of the message, and what follows.

use futures::future;
use jiff::Timestamp;
use storehook_domain::{
    delivery::disposition::Disposition,
    history::{
        decision::{crowded, disposition},
        held_for::HeldFor,
    },
    job::recovery::hold::{Waiting, is_held_after, waiting_change},
};

use crate::{
    after::{health::Counted, queues::Reported},
    attempt::{self, Receipt},
    dependencies::Dependencies,
    log,
    lookup::found::Found,
    message::Received,
    skipped::Skipped,
    tally::{self, Ended},
};

/// Attempts the delivery if an attempt is due, decides what becomes of the message, and records it.
pub(crate) async fn deliver(dependencies: &Dependencies, received: &Received<'_>, found: Found) -> Reported {
    let schedule = &dependencies.settings.schedule;
    let started_at = (dependencies.clock)();
    let receipt = attempt::attempt(dependencies, received, found, started_at).await;
    let ended_at = (dependencies.clock)();
    let mut decided = decide(dependencies, received, &receipt, ended_at);
    // If the delivery could not be held, its message must not end.
    let mut is_recorded = true;
    if decided == Disposition::Hold
        && let Err(not_held) = Box::pin(hold(dependencies, received, &receipt, ended_at)).await
    {
        is_recorded = not_held != NotHeld::Unwritten;
        decided = schedule.next(received.lane, received.age(ended_at), None, fastrand::f64());
    }
    if dependencies.settings.logs_successes || !receipt.is_taken() {
        log::write(&log::Entry { received, started_at, ended_at, receipt: &receipt, disposition: decided });
    }
    // These run at the same time, so together they take no longer than the longest may.
    let reported = dependencies.queues.apply(decided, received, &receipt.history);
    let recorded = async {
        let known = receipt.history.record();
        let is_written = decided == Disposition::Hold
            || dependencies.history.record(received, &receipt.attempt, known, decided, ended_at).await;
        is_recorded && is_written
    };
    let counted = count(dependencies, received, &receipt, decided, ended_at);
    let (reported, is_recorded, has_disabled) = future::join3(reported, recorded, counted).await;
    let due_at = received.facts().due_at(&receipt.history, schedule, started_at);
    dependencies.meter.add(&tally::of(&Ended {
        received,
        receipt: &receipt,
        due_at,
        ended_at,
        disposition: decided,
        reported,
        is_recorded,
        has_disabled,
    }));
    reported
}

/// What becomes of a message.
fn decide(
    dependencies: &Dependencies,
    received: &Received<'_>,
    receipt: &Receipt,
    now: Timestamp,
) -> Disposition {
    let schedule = &dependencies.settings.schedule;
    let (lane, age, jitter) = (received.lane, received.age(now), fastrand::f64());
    let admission = receipt.admission;
    let attempt = match &receipt.attempt {
        Err(Skipped::Held(_)) => return Disposition::Hold,
        Err(skipped) if skipped.ends_message() => return Disposition::Ack,
        Err(Skipped::Crowded) => return crowded(admission, schedule, age, jitter),
        Err(_) => return disposition(admission, None, schedule, lane, age, now, jitter),
        Ok(attempt) => attempt,
    };
    let decided = disposition(admission, Some(&attempt.outcome), schedule, lane, age, now, jitter);
    let health = receipt.target.as_ref().map(|target| &target.health).filter(|_| dependencies.health.is_on);
    let is_held = health.is_some_and(|health| {
        let rules = &dependencies.health.recovery;
        let waiting = Waiting { all: health.waiting(), is_among: receipt.was_waiting() };
        is_held_after(&received.message, decided, health.recovery.is_some(), waiting, rules)
    });
    if is_held && attempt.failure().is_some() { Disposition::Hold } else { decided }
}

/// Why a delivery could not be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NotHeld {
    /// Its recovery has not begun.
    Unrecovered,
    /// The history could not be written.
    Unwritten,
}

/// Holds a delivery. If it could not, its message must not end.
async fn hold(
    dependencies: &Dependencies,
    received: &Received<'_>,
    receipt: &Receipt,
    now: Timestamp,
) -> Result<(), NotHeld> {
    let reason = match receipt.attempt {
        Err(Skipped::Held(reason)) => reason,
        Ok(_) | Err(_) => HeldFor::Failing,
    };
    let known = receipt.history.record();
    if reason == HeldFor::Failing
        && let Some(target) = &receipt.target
    {
        let queued_at = received.message.enqueued_at;
        let created_at = known.map_or(queued_at, |known| known.created_at.min(queued_at));
        if let Err(error) = dependencies.health.recovery_for(target, created_at, now).await {
            let (error, id) = (storehook_aws::causes(&error), &received.message.envelope.id);
            tracing::error!(delivery.id = %id, error, "delivery not held: its recovery has not begun");
            return Err(NotHeld::Unrecovered);
        }
    }
    let is_held =
        dependencies.history.hold(received, receipt.attempt.as_ref().ok(), reason, known, now).await;
    if is_held { Ok(()) } else { Err(NotHeld::Unwritten) }
}

/// Counts the attempt for the webhook, and looks after its recovery. Returns whether it disabled the
/// webhook.
async fn count(
    dependencies: &Dependencies,
    received: &Received<'_>,
    receipt: &Receipt,
    decided: Disposition,
    now: Timestamp,
) -> bool {
    let (health, message) = (&dependencies.health, &received.message);
    let Some(target) = &receipt.target else { return false };
    let mut has_disabled = false;
    if let Ok(attempt) = &receipt.attempt {
        let waiting = if health.is_on { waiting_change(receipt.was_waiting(), decided) } else { 0 };
        has_disabled = health.record(&Counted { message, attempt, target, waiting, now }).await;
    }
    if let Err(error) = health.restart(target, now).await {
        let error = storehook_aws::causes(&error);
        tracing::error!(webhook.id = %target.webhook.id, error, "recovery not started again");
    }
    has_disabled
}
