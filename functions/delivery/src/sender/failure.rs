//! Failures of sending: what each means for the owner of the endpoint, and for the connection.
//!
//! Only the types of errors decide, never their texts. The causes are in chains of errors from
//! hyper-util (TCP), tokio-rustls (a `rustls::Error` inside an `io::Error`), hyper and h2.

use std::{
    error::Error,
    io::{self, ErrorKind},
};

use h2::Reason;
use rustls::CertificateError;
use storehook_domain::delivery::outcome::FailedAttempt;

use crate::sender::guard::NoAddress;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no connection could be made")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    #[error("no connection could be made in time")]
    ConnectTimedOut,
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("the exchange failed")]
    Exchange(#[source] hyper::Error),
    #[error("the response's head is too large")]
    HeadTooLarge,
    #[error("no response came in time")]
    TimedOut,
}

impl Failure {
    /// The failure as the endpoint's owner sees it.
    pub(super) fn reason(&self) -> FailedAttempt {
        match self {
            Self::Connect(error) => connect_reason(error.as_ref()),
            Self::ConnectTimedOut => FailedAttempt::ConnectTimedOut,
            Self::Tls(error) => match cause::<rustls::Error>(error) {
                Some(error) => tls_reason(error),
                None if error.kind() == ErrorKind::ConnectionReset => FailedAttempt::ConnectionReset,
                None => FailedAttempt::TlsFailed,
            },
            Self::Exchange(error) => exchange_reason(error),
            Self::HeadTooLarge => FailedAttempt::ResponseHeadTooLarge,
            Self::TimedOut => FailedAttempt::TimedOut,
        }
    }

    /// Whether the kept connection was bad, so the request may be sent on another one: the other
    /// end closed or reset it, it is dead, or it is full.
    pub(super) fn is_of_the_connection(&self) -> bool {
        let Self::Exchange(error) = self else { return false };
        match cause::<h2::Error>(error) {
            // Only the stream ended. Its connection is still good.
            Some(error) if error.is_reset() => error.reason() == Some(Reason::REFUSED_STREAM),
            _ => !error.is_parse() && !error.is_user(),
        }
    }

    /// Whether HTTP/2 forbids the response, which HTTP/1.1 might allow: it has a header of the
    /// connection (`connection`, `keep-alive`, `transfer-encoding`), or its length makes no sense
    /// (RFC 9113 §8.1.1, §8.2.2).
    pub(super) fn is_of_http2(&self) -> bool {
        let Self::Exchange(error) = self else { return false };
        cause::<h2::Error>(error).is_some_and(|error| {
            error.is_library() && error.is_reset() && error.reason() == Some(Reason::PROTOCOL_ERROR)
        })
    }

    /// Whether the endpoint wants the request over HTTP/1.1 (`HTTP_1_1_REQUIRED`, RFC 9113 §7).
    pub(super) fn asks_for_http1(&self) -> bool {
        let Self::Exchange(error) = self else { return false };
        cause::<h2::Error>(error).and_then(h2::Error::reason) == Some(Reason::HTTP_1_1_REQUIRED)
    }
}

fn connect_reason(error: &(dyn Error + 'static)) -> FailedAttempt {
    match cause::<NoAddress>(error) {
        Some(NoAddress::NotAllowed) => return FailedAttempt::NotAllowed,
        Some(NoAddress::None) => return FailedAttempt::NotResolved,
        Some(NoAddress::LookUp(_)) => return FailedAttempt::LookUpFailed,
        None => {}
    }
    match cause::<io::Error>(error).map(io::Error::kind) {
        Some(ErrorKind::ConnectionRefused) => FailedAttempt::ConnectionRefused,
        Some(ErrorKind::ConnectionReset) => FailedAttempt::ConnectionReset,
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => FailedAttempt::Unreachable,
        Some(ErrorKind::TimedOut) => FailedAttempt::ConnectTimedOut,
        _ => FailedAttempt::NotConnected,
    }
}

fn tls_reason(error: &rustls::Error) -> FailedAttempt {
    use CertificateError as Certificate;
    match error {
        // The bytes were no TLS record. Most often they are an HTTP response.
        rustls::Error::InvalidMessage(_) => FailedAttempt::NoTls,
        rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            FailedAttempt::CertificateExpired
        }
        rustls::Error::InvalidCertificate(
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. },
        ) => FailedAttempt::CertificateNotYetValid,
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => FailedAttempt::CertificateOfAnotherName,
        rustls::Error::InvalidCertificate(_) => FailedAttempt::CertificateNotTrusted,
        _ => FailedAttempt::TlsFailed,
    }
}

fn exchange_reason(error: &hyper::Error) -> FailedAttempt {
    if error.is_parse_too_large() {
        return FailedAttempt::ResponseHeadTooLarge;
    }
    if error.is_parse() {
        return FailedAttempt::ResponseMalformed;
    }
    // A ping went unanswered.
    if error.is_timeout() {
        return FailedAttempt::TimedOut;
    }
    // TLS 1.3 lets an endpoint refuse a handshake after it seemed done.
    if let Some(error) = cause::<rustls::Error>(error) {
        return tls_reason(error);
    }
    match cause::<h2::Error>(error) {
        // So h2 ends a connection on which a head does not end.
        Some(error)
            if error.is_library()
                && matches!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM | Reason::COMPRESSION_ERROR)) =>
        {
            return FailedAttempt::ResponseHeadTooLarge;
        }
        Some(error) if error.is_library() => return FailedAttempt::ResponseMalformed,
        Some(error) if error.is_reset() => return FailedAttempt::ConnectionReset,
        _ => {}
    }
    match cause::<io::Error>(error).map(io::Error::kind) {
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => FailedAttempt::ConnectionReset,
        // The system sent the request several times and then gave up.
        Some(ErrorKind::TimedOut) => FailedAttempt::TimedOut,
        _ => FailedAttempt::ConnectionClosed,
    }
}

/// The first cause of this type. An `io::Error` does not show the error inside it as its `source`.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut chain = std::iter::successors(Some(error), |&error| {
        let made_of = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        made_of.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    });
    chain.find_map(|error| error.downcast_ref::<E>())
}
