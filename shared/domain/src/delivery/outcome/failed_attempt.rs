//! Failures of attempts: each has a sentence for the webhook's owner and a code for programs.
//! `docs/receiving.md` lists them.

use crate::delivery::{request::UnbuildableRequest, verdict::InvalidVerdict};

/// Why an attempt failed, in words that the webhook's owner can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailedAttempt {
    /// The request could not be built, so none was sent.
    #[error(transparent)]
    NotBuilt(#[from] UnbuildableRequest),
    /// The address guard refused one of the host's addresses.
    #[error("the address is not allowed")]
    NotAllowed,
    /// The host's name has no address.
    #[error("the host name does not exist or has no address")]
    NotResolved,
    /// DNS did not say whether the host's name has an address.
    #[error("the host name could not be looked up")]
    LookUpFailed,
    /// Nobody listens on the port.
    #[error("the host refused the connection")]
    ConnectionRefused,
    /// No network leads to the host.
    #[error("the host cannot be reached")]
    Unreachable,
    /// Look-up, connection and TLS together took too long.
    #[error("no connection could be made in time")]
    ConnectTimedOut,
    /// No connection could be made, for another reason.
    #[error("no connection could be made")]
    NotConnected,
    /// The program that listens there does not speak TLS.
    #[error("the port does not speak TLS")]
    NoTls,
    /// The certificate has expired.
    #[error("the certificate has expired")]
    CertificateExpired,
    /// The certificate's time has not begun.
    #[error("the certificate is not valid yet")]
    CertificateNotYetValid,
    /// The certificate is for another host.
    #[error("the certificate is for another host name")]
    CertificateOfAnotherName,
    /// The certificate is self-signed, lacks an intermediate, or cannot be trusted for another
    /// reason.
    #[error("the certificate is not trusted")]
    CertificateNotTrusted,
    /// The TLS handshake failed for another reason: no common version or cipher, an alert, a closed
    /// connection.
    #[error("the TLS handshake failed")]
    TlsFailed,
    /// The connection was reset before there was a response.
    #[error("the connection was reset before the endpoint responded")]
    ConnectionReset,
    /// The connection was closed before there was a response.
    #[error("the connection was closed before the endpoint responded")]
    ConnectionClosed,
    /// The response did not come in the time allowed.
    #[error("the endpoint did not respond in time")]
    TimedOut,
    /// The response's head is longer than the sender reads.
    #[error("the response has more headers than 64 KiB or 500 lines")]
    ResponseHeadTooLarge,
    /// The response is not HTTP.
    #[error("the response is not valid HTTP")]
    ResponseMalformed,
    /// The body was cut or malformed, and it was needed for the verdict.
    #[error("the response was cut")]
    ResponseCut,
    /// A response outside 2xx. A redirect is one too: it is never followed.
    #[error("the endpoint responded with {0}")]
    Status(u16),
    /// An integration endpoint's verdict was `fail`.
    #[error("the endpoint's verdict is fail")]
    Refused,
    /// An integration endpoint's response is not a verdict on this delivery.
    #[error(transparent)]
    Verdict(#[from] InvalidVerdict),
}

impl FailedAttempt {
    /// The codes of all failures, in the order of the variants.
    pub const CODES: [&'static str; 25] = [
        "request_not_built",
        "address_not_allowed",
        "host_not_found",
        "look_up_failed",
        "connection_refused",
        "host_unreachable",
        "connect_timeout",
        "not_connected",
        "no_tls",
        "certificate_expired",
        "certificate_not_yet_valid",
        "certificate_wrong_name",
        "certificate_not_trusted",
        "tls_failed",
        "connection_reset",
        "connection_closed",
        "response_timeout",
        "response_head_too_large",
        "response_malformed",
        "response_cut",
        "status",
        "verdict_fail",
        "verdict_not_json",
        "verdict_wrong_event_id",
        "verdict_unknown_result",
    ];

    /// The code, for programs. It never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotBuilt(_) => "request_not_built",
            Self::NotAllowed => "address_not_allowed",
            Self::NotResolved => "host_not_found",
            Self::LookUpFailed => "look_up_failed",
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
