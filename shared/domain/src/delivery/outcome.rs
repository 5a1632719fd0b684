//! Outcomes: the result of an attempt.
//!
//! A webhook's endpoint responds by its status alone: any 2xx is success. An integration endpoint
//! also sends a verdict, as JSON; see [`Verdict`]. After a failure, both can ask for a later next
//! attempt (`Retry-After`) or for none (410).

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};

use crate::{
    delivery::{
        request::UnbuildableRequest,
        verdict::{InvalidVerdict, Verdict, VerdictResult},
    },
    event::id::EventId,
    webhook::Protocol,
};

/// The longest wait that `Retry-After` can ask for. SQS hides a message for as long, counted from
/// its receive; see `schedule.rs`.
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
}

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint took the delivery.
    Delivered,
    /// The endpoint asks for the same delivery again, after this wait. It is no failure.
    Delayed(Duration),
    /// The attempt failed. The delivery is tried again while its schedule lasts.
    Failed {
        /// Why.
        reason: FailedAttempt,
        /// How long the endpoint asks to wait.
        retry_after: Option<Duration>,
    },
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailedAttempt {
    /// The status is outside 2xx. A redirect is a failure, too: it is never followed.
    #[error("the endpoint answered {0}")]
    Status(u16),
    /// An integration endpoint's verdict was `fail`.
    #[error("the endpoint's verdict is fail")]
    Refused,
    /// An integration endpoint's response is no verdict on this delivery.
    #[error(transparent)]
    Verdict(#[from] InvalidVerdict),
    /// Connection, request and response took longer than the limit.
    #[error("the endpoint did not answer in time")]
    TimedOut,
    /// No connection could be made.
    #[error("no connection could be made")]
    NotConnected,
    /// The host's name has no address.
    #[error("the host could not be resolved")]
    NotResolved,
    /// The address guard refused one of the host's addresses.
    #[error("the address is not allowed")]
    NotAllowed,
    /// The request could not be built, so it was not sent.
    #[error(transparent)]
    NotBuilt(#[from] UnbuildableRequest),
    /// The connection broke before the response was complete.
    #[error("the connection broke")]
    Broken,
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
            (Protocol::Integration, 200) => Self::of_verdict(Verdict::parse(&answer.body, event_id)),
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
/// [`LONGEST_RETRY_AFTER`]. `None` if the value is malformed or the date has passed.
fn wait_of(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let wait = match is_number {
        true => Duration::from_secs(value.parse().unwrap_or(u64::MAX)),
        false => {
            let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
            Duration::try_from(date.duration_since(now)).ok()?
        }
    };
    (!wait.is_zero()).then(|| wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn outcome(protocol: Protocol, answer: &Response) -> Result<Outcome, Box<dyn std::error::Error>> {
        let now = "1994-11-06T08:49:37Z".parse()?;
        Ok(Outcome::of(answer, protocol, &EventId::parse("e1")?, now).0)
    }

    #[test]
    fn any_2xx_is_success_and_nothing_else_is() -> TestResult {
        for (status, is_success) in [
            (199, false),
            (200, true),
            (202, true),
            (204, true),
            (299, true),
            (300, false),
            (301, false),
            (308, false),
            (404, false),
            (410, false),
            (429, false),
            (500, false),
        ] {
            let outcome = outcome(Protocol::Webhook, &Response { status, ..Response::default() })?;
            let failed = Outcome::failed(FailedAttempt::Status(status));
            assert_eq!(outcome, if is_success { Outcome::Delivered } else { failed });
            assert_eq!(outcome.is_gone(), status == 410);
        }
        Ok(())
    }

    #[test]
    fn an_integrations_answer_is_200_with_a_verdict() -> TestResult {
        for (status, body, expected) in [
            (200, r#"{"event_id": "e1", "result": "ok"}"#, Outcome::Delivered),
            (200, r#"{"event_id": "e1", "result": "delay"}"#, Outcome::Delayed(Duration::from_secs(60))),
            (200, r#"{"event_id": "e1", "result": "fail"}"#, Outcome::failed(FailedAttempt::Refused)),
            (200, "ok", Outcome::failed(InvalidVerdict::NotJson.into())),
            (201, r#"{"event_id": "e1", "result": "ok"}"#, Outcome::failed(FailedAttempt::Status(201))),
            (500, r#"{"event_id": "e1", "result": "ok"}"#, Outcome::failed(FailedAttempt::Status(500))),
            (410, "", Outcome::failed(FailedAttempt::Status(410))),
        ] {
            let answer = Response { status, body: body.into(), retry_after: None };
            assert_eq!(outcome(Protocol::Integration, &answer)?, expected, "{status} {body}");
        }
        Ok(())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_on_429_and_503() -> TestResult {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 60 * 60));
        for (status, value, wait) in [
            (429, "120", Some(Duration::from_secs(120))),
            (503, " 120 ", Some(Duration::from_secs(120))),
            (503, "Sun, 06 Nov 1994 08:51:37 GMT", Some(Duration::from_secs(120))),
            (429, "43200", hours(12)),
            (429, "43201", hours(12)),
            (429, "99999999999999999999999", hours(12)),
            (429, "Mon, 07 Nov 1994 08:49:37 GMT", hours(12)),
            (429, "0", None),
            (429, "Sun, 06 Nov 1994 08:49:37 GMT", None),
            (429, "Sun, 06 Nov 1994 08:49:36 GMT", None),
            (429, "-1", None),
            (429, "1.5", None),
            (429, "soon", None),
            (429, "", None),
            (500, "120", None),
            (404, "120", None),
        ] {
            let retry_after = Some(value.to_owned());
            let answer = Response { status, retry_after, body: Vec::new() };
            for protocol in Protocol::ALL {
                let expected = Outcome::Failed { reason: FailedAttempt::Status(status), retry_after: wait };
                assert_eq!(outcome(protocol, &answer)?, expected, "{status} {value}");
            }
        }
        Ok(())
    }
}
