//! One POST to an endpoint, and what came of it.

use std::{
    error::Error,
    io::{self, ErrorKind},
    time::{Duration, Instant},
};

use reqwest::{Client, Response, Version, header};
use storehook_domain::{
    delivery::{
        outcome::{BodyEnd, FailedAttempt},
        request::DeliveryRequest,
    },
    webhook::address::Address,
};

/// How much of a response's body deliveries read, in bytes. A longer one is cut.
pub const BODY_READ: usize = 16 * 1024;

/// What came of a POST, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The response, or why there was none.
    pub result: Result<Answer, Unanswered>,
    /// From the look-up of the host to the end of the response.
    pub took: Duration,
}

/// What an endpoint responded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The HTTP version: `HTTP/1.1`.
    pub version: String,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The body, or as much of it as deliveries read.
    pub body: Vec<u8>,
    /// Whether the body was longer.
    pub is_longer: bool,
    /// How the body ended, if it was not longer.
    pub end: BodyEnd,
}

/// Why there was no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// Why, in the words that the API has for it.
    pub reason: FailedAttempt,
    /// The cause.
    pub cause: String,
}

impl Unanswered {
    /// Nothing was sent, because the host has no address.
    pub fn no_address(error: &io::Error) -> Self {
        Self { reason: FailedAttempt::NotResolved, cause: error.to_string() }
    }
}

/// Sends a request.
pub async fn post(client: &Client, address: &Address, request: DeliveryRequest<'_>) -> Exchange {
    let began = Instant::now();
    let post = client.post(address.url().clone()).headers(request.headers);
    let result = match post.body(request.body.into_owned()).send().await {
        Ok(response) => Ok(read(response).await),
        Err(error) => Err(Unanswered { reason: reason(&error), cause: storehook_aws::causes(&error) }),
    };
    Exchange { result, took: began.elapsed() }
}

/// Reads a response. Once there is a head there is an answer, whatever becomes of the body.
async fn read(mut response: Response) -> Answer {
    let location = response.headers().get(header::LOCATION).map(|value| value.as_bytes().to_vec());
    let version = match response.version() {
        // `Debug` has a minor version that HTTP/2 does not have.
        Version::HTTP_2 => "HTTP/2".to_owned(),
        version => format!("{version:?}"),
    };
    let mut answer = Answer {
        status: response.status().as_u16(),
        version,
        location: location.map(|location| String::from_utf8_lossy(&location).into_owned()),
        ..Answer::default()
    };
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => answer.body.extend_from_slice(&chunk),
            Ok(None) => return answer,
            Err(error) => {
                let end = if error.is_timeout() { BodyEnd::TimedOut } else { BodyEnd::Cut };
                return Answer { end, ..answer };
            }
        }
        if answer.body.len() > BODY_READ {
            answer.body.truncate(BODY_READ);
            return Answer { is_longer: true, ..answer };
        }
    }
}

/// The reason as the delivery function has it, as far as the errors of this client tell.
fn reason(error: &reqwest::Error) -> FailedAttempt {
    let kind = cause::<io::Error>(error).map(io::Error::kind);
    match kind {
        _ if error.is_timeout() && error.is_connect() => FailedAttempt::ConnectTimedOut,
        _ if error.is_timeout() => FailedAttempt::TimedOut,
        Some(ErrorKind::ConnectionRefused) => FailedAttempt::ConnectionRefused,
        Some(ErrorKind::ConnectionReset) => FailedAttempt::ConnectionReset,
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => FailedAttempt::Unreachable,
        _ => match cause::<rustls::Error>(error) {
            // The bytes were no TLS record. Most often they are an HTTP response.
            Some(rustls::Error::InvalidMessage(_)) => FailedAttempt::NoTls,
            Some(rustls::Error::InvalidCertificate(_)) => FailedAttempt::CertificateNotTrusted,
            Some(_) => FailedAttempt::TlsFailed,
            None if error.is_connect() => FailedAttempt::NotConnected,
            None => FailedAttempt::ConnectionClosed,
        },
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
