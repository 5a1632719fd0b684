//! Outcomes: the result of an attempt.
//!
//! For a webhook's endpoint the status alone decides: any 2xx is success, whatever becomes of the
//! body. An integration endpoint also sends a verdict, as JSON; see [`Verdict`]. After a failure,
//! both can ask for a later attempt (`Retry-After`) or for no more deliveries (410).

mod failed_attempt;

use std::time::Duration;

use jiff::{Timestamp, civil::DateTime, fmt::rfc2822, tz::TimeZone};

pub use failed_attempt::FailedAttempt;

use crate::{
    delivery::verdict::{InvalidVerdict, Verdict, VerdictResult},
    event::id::EventId,
    webhook::Protocol,
};

/// The longest wait that `Retry-After` can ask for. SQS hides a message no longer than that,
/// counted from its receive; see `schedule/mod.rs`.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(12 * 60 * 60);

/// An endpoint's response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The value of `Retry-After`.
    pub retry_after: Option<String>,
    /// The body, up to the limit of the sender.
    pub body: Vec<u8>,
    /// How the body ended.
    pub end: BodyEnd,
}

/// How the body of a response ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BodyEnd {
    /// All of it was read, or as much as the sender reads at most.
    #[default]
    Read,
    /// It was cut or malformed.
    Cut,
    /// It did not end in the time allowed.
    TimedOut,
}

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint took the delivery.
    Delivered,
    /// The endpoint asks for the same delivery again, after this wait. That is not a failure.
    Delayed(Duration),
    /// The attempt failed. The delivery is tried again while its schedule lasts.
    Failed {
        /// Why.
        reason: FailedAttempt,
        /// The wait that the endpoint asks for.
        retry_after: Option<Duration>,
    },
}

impl Outcome {
    /// Judges a response at `now`. Returns the `details` of an integration's verdict with it.
    pub fn of(
        answer: &Response,
        protocol: Protocol,
        event_id: &EventId,
        now: Timestamp,
    ) -> (Self, Option<String>) {
        match (protocol, answer.status) {
            (Protocol::Webhook, 200..=299) => (Self::Delivered, None),
            (Protocol::Integration, 200) => match answer.end {
                BodyEnd::Read => Self::of_verdict(Verdict::parse(&answer.body, event_id)),
                BodyEnd::Cut => (Self::failed(FailedAttempt::ResponseCut), None),
                BodyEnd::TimedOut => (Self::failed(FailedAttempt::TimedOut), None),
            },
            (Protocol::Webhook | Protocol::Integration, status) => {
                let asks = matches!(status, 429 | 503);
                let retry_after = answer.retry_after.as_deref().filter(|_| asks);
                let retry_after = retry_after.and_then(|value| wait_of(value, now));
                (Self::Failed { reason: FailedAttempt::Status(status), retry_after }, None)
            }
        }
    }

    fn of_verdict(verdict: Result<Verdict, InvalidVerdict>) -> (Self, Option<String>) {
        match verdict {
            Ok(Verdict { result, details }) => {
                let outcome = match result {
                    VerdictResult::Ok => Self::Delivered,
                    VerdictResult::Delay(wait) => Self::Delayed(wait),
                    VerdictResult::Fail => Self::failed(FailedAttempt::Refused),
                };
                (outcome, details)
            }
            Err(error) => (Self::failed(error.into()), None),
        }
    }

    /// A failure without `Retry-After`.
    pub fn failed(reason: FailedAttempt) -> Self {
        Self::Failed { reason, retry_after: None }
    }

    /// Whether the endpoint wants no more deliveries: 410 Gone.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Failed { reason: FailedAttempt::Status(410), .. })
    }
}

/// The wait that a value of `Retry-After` asks for: seconds, or a date (RFC 9110 §10.2.3), at most
/// [`LONGEST_RETRY_AFTER`]. `None` if the value is malformed or the date has passed. Seconds may
/// have decimals, because some servers print them so.
fn wait_of(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let wait = if is_number {
        let seconds: f64 = value.parse().ok()?;
        Duration::from_secs_f64(seconds.min(LONGEST_RETRY_AFTER.as_secs_f64()))
    } else {
        Duration::try_from(date_of(value)?.duration_since(now)).ok()?
    };
    (!wait.is_zero()).then(|| wait.min(LONGEST_RETRY_AFTER))
}

/// The forms of a date that RFC 9110 calls obsolete and that a recipient must read all the same
/// (§5.6.7): those of RFC 850 and of C's `asctime`.
const OBSOLETE_DATES: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The time that an HTTP date names.
fn date_of(value: &str) -> Option<Timestamp> {
    if let Ok(date) = rfc2822::DateTimeParser::new().parse_timestamp(value) {
        return Some(date);
    }
    let date = OBSOLETE_DATES.iter().find_map(|form| DateTime::strptime(form, value).ok())?;
    TimeZone::UTC.to_timestamp(date).ok()
}

#[cfg(test)]
mod tests;
