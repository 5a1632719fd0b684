//! Why a delivery is in its state, in one sentence.

use jiff::{SignedDuration, Timestamp};

use crate::{
    delivery::run::RunId,
    history::{
        attempt::AttemptRecord, held_for::HeldFor, record::DeliveryRecord, run::RunEnd, state::DeliveryState,
    },
    job::recovery::endpoint_health::EndpointHealth,
    webhook::Status,
    words::{number::counted, time::span},
};

/// Why a delivery is in its state. `webhook` is the status of its webhook now, and how its endpoint is;
/// `None` if the webhook is deleted.
pub fn why(record: &DeliveryRecord, webhook: Option<(Status, EndpointHealth)>, now: Timestamp) -> String {
    let (webhook, endpoint) = webhook.unzip();
    let last = record.attempts.last();
    match record.state {
        DeliveryState::Delivered => delivered(record),
        DeliveryState::Pending => match last {
            _ if webhook.is_none_or(|status| status != Status::Active) => {
                "Waiting, but the webhook is not active: it will be held or cancelled.".to_owned()
            }
            Some(_) => format!("The endpoint asked to get it later. {}", next_attempt(record, now)),
            None => "Waiting for its first attempt.".to_owned(),
        },
        DeliveryState::Retrying if webhook.is_none_or(|status| status != Status::Active) => format!(
            "Retrying: {}. But the webhook is not active: it will be held or cancelled.",
            failure(record)
        ),
        DeliveryState::Retrying => {
            format!("Retrying: {}. {}", failure(record), next_attempt(record, now))
        }
        DeliveryState::Held if record.held_for == Some(HeldFor::Failing) => {
            held_for_endpoint(webhook, &endpoint.unwrap_or_default(), now)
        }
        DeliveryState::Held => held(webhook).to_owned(),
        DeliveryState::Cancelled if webhook.is_none() => "Cancelled: the webhook was deleted.".to_owned(),
        DeliveryState::Cancelled => "Cancelled: the app was uninstalled.".to_owned(),
        DeliveryState::Dead => dead(record),
    }
}

/// Why a delivery is in this state, if the state alone tells it: where the webhook is not known.
pub fn why_in_short(state: &str, held_for: Option<&str>) -> Option<&'static str> {
    match DeliveryState::from_name(state)? {
        DeliveryState::Held if held_for == Some(HeldFor::Failing.as_str()) => {
            Some("Its endpoint was failing. It is sent by itself once the endpoint works.")
        }
        DeliveryState::Held => Some("The webhook was not active when it was due."),
        DeliveryState::Cancelled => Some("The webhook was deleted, or the app uninstalled."),
        _ => None,
    }
}

/// When the next probe comes, if one does: `next probe in 4 min`.
pub fn probe(endpoint: &EndpointHealth, now: Timestamp) -> Option<String> {
    let wait = endpoint.next_probe_at?.duration_since(now);
    Some(if wait.as_secs() > 0 {
        format!("next probe in {}", span(wait))
    } else {
        "a probe is due now".to_owned()
    })
}

fn delivered(record: &DeliveryRecord) -> String {
    let Some(attempt) = record.attempts.iter().rev().find(|attempt| attempt.error.is_none()) else {
        return "Delivered.".to_owned();
    };
    let how = match attempt.run {
        RunId::Event => "Delivered",
        RunId::Redeliver(_) => "Delivered again by hand",
        RunId::Replay(_) | RunId::ReplayAll(_) => "Delivered by a replay",
        RunId::Redrive(_) => "Delivered by a redrive",
        RunId::Probe(_) | RunId::CatchUp(_) => "Delivered once the endpoint worked again,",
    };
    let latency = SignedDuration::from_millis(i64::try_from(attempt.latency_ms).unwrap_or(i64::MAX));
    let after = attempt.at.duration_since(record.envelope.triggered_at).saturating_add(latency);
    let after =
        if after.as_secs() < 1 { "within a second of".to_owned() } else { format!("{} after", span(after)) };
    format!("{how} on the {} attempt, {after} the event.", ordinal(attempt.number))
}

fn held(webhook: Option<Status>) -> &'static str {
    match webhook {
        Some(Status::Paused) => "Held: the webhook is paused. Replay or deliver again once it is active.",
        Some(Status::Disabled) => "Held: the webhook is disabled. Replay or deliver again once it is active.",
        Some(Status::Active) => {
            "Held: the webhook was not active when it was due. It is active now: replay or deliver again."
        }
        None => "Held: the webhook was not active when it was due, and it has been deleted since.",
    }
}

/// What is held for a failing endpoint comes by itself.
fn held_for_endpoint(webhook: Option<Status>, endpoint: &EndpointHealth, now: Timestamp) -> String {
    const BY_ITSELF: &str = "It is sent by itself once the endpoint works again";
    match webhook {
        None => "Held: its endpoint was failing, and the webhook has been deleted since.".to_owned(),
        Some(Status::Active) => match probe(endpoint, now) {
            Some(probe) => format!("Held: its endpoint is failing. {BY_ITSELF}; {probe}."),
            None if endpoint.is_failing() => format!("Held: its endpoint is failing. {BY_ITSELF}."),
            None => "Held: its endpoint was failing. It is sent by itself, the oldest first.".to_owned(),
        },
        Some(status) => format!(
            "Held: its endpoint was failing, and now the webhook is {}. {BY_ITSELF} and the webhook is active.",
            status.as_str(),
        ),
    }
}

fn dead(record: &DeliveryRecord) -> String {
    // A delivery that is overdue is dead, and its record does not say so.
    let is_overdue = record.runs.last().is_some_and(|latest| latest.end != Some(RunEnd::Dead));
    if is_overdue {
        return format!("Dead: an attempt was due and never came. Before it, {}.", failure(record));
    }
    let (Some(latest), Some(last)) = (record.runs.last(), record.attempts.last()) else {
        return "Dead: it came too late for an attempt.".to_owned();
    };
    let attempts = counted(last.number, "attempt", "attempts");
    let length = last.at.duration_since(latest.began_at);
    let over = if length.as_secs() < 1 { String::new() } else { format!(" over {}", span(length)) };
    format!("Dead after {attempts}{over}: {}.", failure(record))
}

/// Why the last failed attempt failed.
fn failure(record: &DeliveryRecord) -> &str {
    let error = |attempt: &'_ AttemptRecord| attempt.error.is_some();
    let failed = record.attempts.iter().rev().find(|attempt| error(attempt));
    failed.and_then(|attempt| attempt.error.as_deref()).unwrap_or("no attempt is known")
}

fn next_attempt(record: &DeliveryRecord, now: Timestamp) -> String {
    match record.next_attempt_at.map(|due| due.duration_since(now)) {
        Some(wait) if wait.as_secs() >= 1 => format!("The next attempt is in {}.", span(wait)),
        _ => "The next attempt is due now.".to_owned(),
    }
}

/// A number of order: `1st`, `2nd`, `11th`.
fn ordinal(number: u64) -> String {
    let end = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

#[cfg(test)]
mod tests;
