//! Outcomes: the result of an attempt.
//!
//! A webhook's endpoint responds by its status alone: any 2xx is success, whatever becomes of the
//! body. An integration endpoint also sends a verdict, as JSON; see [`Verdict`]. After a failure,
//! both can ask for a later next attempt (`Retry-After`) or for none (410).

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

/// The longest wait that `Retry-After` can ask for. SQS hides a message for as long, counted from its
/// receive; see `schedule.rs`.
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
    /// All of it was read, or as much as is ever read.
    #[default]
    Read,
    /// It was cut, or was malformed.
    Cut,
    /// It did not end in the time allowed.
    TimedOut,
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

/// Why an attempt failed, in words that the webhook's owner can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailedAttempt {
    /// Its request could not be built, so none was sent.
    #[error(transparent)]
    NotBuilt(#[from] UnbuildableRequest),
    /// The address guard refused one of the host's addresses.
    #[error("the address is not allowed")]
    NotAllowed,
    /// The host's name has no address.
    #[error("the host name could not be resolved")]
    NotResolved,
    /// Nobody listens on the port.
    #[error("the host refused the connection")]
    ConnectionRefused,
    /// No network leads to the host.
    #[error("the host cannot be reached")]
    Unreachable,
    /// Look-up, connection and TLS did not fit into the time for them.
    #[error("no connection could be made in time")]
    ConnectTimedOut,
    /// No connection could be made, for another reason.
    #[error("no connection could be made")]
    NotConnected,
    /// What listens there speaks something else than TLS.
    #[error("the port does not speak TLS")]
    NoTls,
    /// The certificate's time is over.
    #[error("the certificate has expired")]
    CertificateExpired,
    /// The certificate's time has not begun.
    #[error("the certificate is not valid yet")]
    CertificateNotYetValid,
    /// The certificate is for another host.
    #[error("the certificate is for another host name")]
    CertificateOfAnotherName,
    /// The certificate is self-signed, lacks an intermediate, or is otherwise not to be trusted.
    #[error("the certificate is not trusted")]
    CertificateNotTrusted,
    /// The TLS handshake failed otherwise: no common version or cipher, an alert, a closed connection.
    #[error("the TLS handshake failed")]
    TlsFailed,
    /// The connection was reset before there was a response.
    #[error("the connection was reset before the endpoint answered")]
    ConnectionReset,
    /// The connection was closed before there was a response.
    #[error("the connection was closed before the endpoint answered")]
    ConnectionClosed,
    /// The response did not come in the time allowed.
    #[error("the endpoint did not answer in time")]
    TimedOut,
    /// The response's head is longer than is read.
    #[error("the response has more headers than 64 KiB or 500 lines")]
    ResponseHeadTooLarge,
    /// The response is no HTTP.
    #[error("the response is not valid HTTP")]
    ResponseMalformed,
    /// The body of a response that has to be read was cut or malformed.
    #[error("the response was cut")]
    ResponseCut,
    /// A response outside 2xx. A redirect is one too: it is never followed.
    #[error("the endpoint answered {0}")]
    Status(u16),
    /// An integration endpoint's verdict was `fail`.
    #[error("the endpoint's verdict is fail")]
    Refused,
    /// An integration endpoint's response is no verdict on this delivery.
    #[error(transparent)]
    Verdict(#[from] InvalidVerdict),
}

impl FailedAttempt {
    /// A name for programs, which never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotBuilt(_) => "request_not_built",
            Self::NotAllowed => "address_not_allowed",
            Self::NotResolved => "host_not_found",
            Self::ConnectionRefused => "connection_refused",
            Self::Unreachable => "host_unreachable",
            Self::ConnectTimedOut => "connect_timeout",
            Self::NotConnected => "not_connected",
            Self::NoTls => "no_tls",
            Self::CertificateExpired => "certificate_expired",
            Self::CertificateNotYetValid => "certificate_not_yet_valid",
            Self::CertificateOfAnotherName => "certificate_wrong_name",
            Self::CertificateNotTrusted => "certificate_not_trusted",
            Self::TlsFailed => "tls_failed",
            Self::ConnectionReset => "connection_reset",
            Self::ConnectionClosed => "connection_closed",
            Self::TimedOut => "response_timeout",
            Self::ResponseHeadTooLarge => "response_head_too_large",
            Self::ResponseMalformed => "response_malformed",
            Self::ResponseCut => "response_cut",
            Self::Status(_) => "status",
            Self::Refused => "verdict_fail",
            Self::Verdict(InvalidVerdict::NotJson) => "verdict_not_json",
            Self::Verdict(InvalidVerdict::WrongEventId) => "verdict_wrong_event_id",
            Self::Verdict(InvalidVerdict::UnknownResult) => "verdict_unknown_result",
        }
    }
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
/// [`LONGEST_RETRY_AFTER`]. `None` if the value is malformed or the date has passed.
fn wait_of(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if is_number {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Duration::try_from(date.duration_since(now)).ok()?
    };
    (!wait.is_zero()).then(|| wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
