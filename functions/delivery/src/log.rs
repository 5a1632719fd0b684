//! The one log event of each receive of a delivery: wide, structured, and safe to keep.

use jiff::Timestamp;
use storehook_domain::delivery::{outcome::Outcome, schedule::Next};

use crate::{
    Fate, Received, age_of,
    attempt::{Attempt, NoAttempt},
};

/// What one receive of a delivery came to.
pub(crate) struct Entry<'a> {
    pub(crate) received: &'a Received<'a>,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) attempted: &'a Result<Attempt, NoAttempt>,
    pub(crate) fate: Fate,
}

/// Writes the event. It holds no body, no secret, no path and no query string.
pub(crate) fn write(entry: &Entry<'_>) {
    let Entry { received, started_at, ended_at, attempted, fate } = entry;
    let Received { delivery, message, lane, .. } = received;
    let made = attempted.as_ref().ok();
    let wait_seconds = match fate {
        Fate::Done => None,
        Fate::Later(wait) => Some(Next::Attempt(*wait).visibility_seconds()),
        Fate::Again(next) => Some(next.visibility_seconds()),
    };
    tracing::info!(
        delivery.id = delivery.id(),
        delivery.state = state_of(attempted),
        delivery.series = delivery.series,
        delivery.age_ms = age_of(delivery, *started_at).as_millis() as u64,
        delivery.wait_seconds = wait_seconds,
        delivery.lane = lane.as_str(),
        webhook.id = %delivery.webhook_id,
        webhook.host = made.and_then(|attempt| attempt.target.webhook.address.url().host_str()),
        event.topic = %delivery.topic,
        event.shop = %delivery.shop,
        event.app = %delivery.app,
        attempt.status = made.and_then(|attempt| attempt.status),
        attempt.reason = reason_of(attempted),
        attempt.error = made.and_then(|attempt| attempt.error.as_deref()),
        attempt.duration_ms = ended_at.duration_since(*started_at).as_millis() as u64,
        message.receive_count = message.attributes.get("ApproximateReceiveCount"),
        "attempt"
    );
}

fn state_of(attempted: &Result<Attempt, NoAttempt>) -> &'static str {
    match attempted {
        Ok(Attempt { outcome: Outcome::Delivered, .. }) => "delivered",
        Ok(Attempt { outcome: Outcome::Delayed(_), .. }) => "delayed",
        Ok(Attempt { outcome: Outcome::Failed { .. }, .. }) => "failed",
        Err(NoAttempt::Duplicate) => "duplicate",
        Err(NoAttempt::Superseded) => "superseded",
        Err(NoAttempt::Exhausted) => "exhausted",
        Err(NoAttempt::Cancelled) => "cancelled",
        Err(NoAttempt::Held(_)) => "held",
        Err(NoAttempt::Target(_) | NoAttempt::Request { .. }) => "not attempted",
    }
}

fn reason_of(attempted: &Result<Attempt, NoAttempt>) -> Option<String> {
    match attempted {
        Ok(Attempt { outcome: Outcome::Delivered | Outcome::Delayed(_), .. }) => None,
        Ok(Attempt { outcome: Outcome::Failed { reason, .. }, .. }) => Some(reason.to_string()),
        Err(error) => Some(storehook_aws::causes(error)),
    }
}
