//! Sending: one POST to an endpoint, guarded and bounded.
//!
//! An attempt uses a kept connection if there is one (`pool`), or opens a new one (`connect`) to an
//! address that the guard permits (`guard`). One time limit covers the whole attempt, and only a
//! bounded part of the response is read (`response`). Before it, an attempt takes one of the places
//! of its host (`places`).
//!
//! An attempt sends its request once, with two exceptions, which are still the same attempt:
//!
//! * A kept connection breaks before the response; the other end may have closed it long ago.
//!   Another connection is opened at once.
//! * An HTTP/2 endpoint asks for HTTP/1.1 (`HTTP_1_1_REQUIRED`). Its host gets HTTP/1.1 from then
//!   on.
//!
//! A host whose response HTTP/2 forbids gets HTTP/1.1 from the next attempt on.
//!
//! The sender follows no redirects, uses no proxies from the environment, and neither asks for nor
//! unpacks compressed responses: hyper's bare connections do none of this.

mod connect;
mod connection;
mod failure;
mod guard;
mod noted;
mod places;
mod pool;
mod post;
mod response;
mod tcp;
mod tls;

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use storehook_domain::{
    delivery::{
        outcome::{BodyEnd, FailedAttempt, Response},
        request::DeliveryRequest,
    },
    webhook::{Protocol, address::Address},
};
use tokio::time::Instant;
use url::{Position, Url};

use crate::{
    sender::{
        connect::Connector,
        connection::Connection,
        failure::Failure,
        guard::{Guard, LookUp, system_look_up},
        places::Places,
        pool::{Lease, Pool},
        post::Post,
        tls::Tls,
    },
    settings::Settings,
};

pub(crate) use places::Place;
pub use places::{FUNCTION_TIMEOUT, PLACES};

/// How long an attempt at an integration endpoint may take. It works on the event before it
/// responds.
pub const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The HTTP side of deliveries.
pub struct Sender {
    connector: Connector,
    pool: Pool,
    places: Places,
    attempt_timeout: Duration,
}

/// The result of sending.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// The endpoint responded.
    Responded(Response),
    /// There is no response, or nothing was sent.
    Unanswered {
        /// Why.
        reason: FailedAttempt,
        /// The cause, for the log.
        cause: Option<String>,
    },
}

/// The sender could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The TLS versions and roots do not work together.
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
}

impl Sender {
    /// A sender that trusts the public roots and uses the system's look-up.
    pub fn new(settings: &Settings) -> Result<Self, SenderError> {
        Ok(Self::with(settings, Tls::public()?, system_look_up()))
    }

    /// The same, trusting these roots instead.
    #[cfg(feature = "test-roots")]
    pub fn trusting(settings: &Settings, roots: rustls::RootCertStore) -> Result<Self, SenderError> {
        Ok(Self::with(settings, Tls::trusting(roots)?, system_look_up()))
    }

    /// The same, at hosts that never have a place.
    #[cfg(test)]
    pub(crate) fn without_places(self) -> Self {
        Self { places: Places::new(0, Duration::ZERO), ..self }
    }

    fn with(settings: &Settings, tls: Tls, look_up: LookUp) -> Self {
        let guard = Guard::new(settings.address_policy.clone(), settings.runtime_api_port, look_up);
        Self {
            connector: Connector::new(settings, guard, tls),
            pool: Pool::of(pool::KEPT),
            places: Places::default(),
            attempt_timeout: settings.attempt_timeout,
        }
    }

    /// A place for an attempt at this address, which must be dropped at its end; `None` if there is
    /// none in time.
    pub(crate) async fn place(&self, address: &Address, protocol: Protocol) -> Option<Place> {
        let origin = &address.url()[..Position::BeforePath];
        self.places.take(origin, self.timeout_of(protocol)).await
    }

    /// Makes one attempt.
    ///
    /// `message` holds the bytes that the request was built from. If the body is a part of them, it
    /// is sent without a copy.
    pub async fn send(
        &self,
        address: &Address,
        protocol: Protocol,
        request: DeliveryRequest<'_>,
        message: &Bytes,
    ) -> Sent {
        let deadline = Instant::now() + self.timeout_of(protocol);
        if self.connector.guard().refuses(address) {
            return Sent::Unanswered { reason: FailedAttempt::NotAllowed, cause: None };
        }
        let body = match request.body {
            Cow::Borrowed(part) => message.slice_ref(part.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        match self.attempt(address.url(), request.headers, body, deadline).await {
            Ok(response) => Sent::Responded(response),
            Err(failure) => {
                let cause = Some(storehook_aws::causes(&failure));
                Sent::Unanswered { reason: failure.reason(), cause }
            }
        }
    }

    /// How long an attempt may take.
    fn timeout_of(&self, protocol: Protocol) -> Duration {
        match protocol {
            Protocol::Webhook => self.attempt_timeout,
            Protocol::Integration => INTEGRATION_TIMEOUT,
        }
    }

    async fn attempt(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Response, Failure> {
        let (post, origin) = (Post::new(url, headers, body)?, &url[..Position::BeforePath]);
        if let Some(kept) = self.pool.take(origin).await {
            match self.post(kept, &post, deadline).await {
                Err(failure) if failure.asks_for_http1() => self.pool.require_http1(origin),
                Err(failure) if failure.is_of_the_connection() => {}
                result => return result,
            }
        }
        let opened = Box::pin(self.open(url, &post, deadline)).await?;
        match self.post(opened, &post, deadline).await {
            Err(failure) if failure.asks_for_http1() => {
                self.pool.require_http1(origin);
                let opened = Box::pin(self.open(url, &post, deadline)).await?;
                self.post(opened, &post, deadline).await
            }
            result => result,
        }
    }

    /// Opens a connection. An HTTP/2 connection is shared from now on.
    async fn open(&self, url: &Url, post: &Post, deadline: Instant) -> Result<Lease, Failure> {
        let origin = &url[..Position::BeforePath];
        let connecting = self.connector.connect(url, post.uri(), self.pool.requires_http1(origin));
        let connected = tokio::time::timeout_at(deadline, connecting).await;
        let (connection, origin) = (connected.unwrap_or(Err(Failure::ConnectTimedOut))?, origin.into());
        let opened = Lease { origin, connection };
        if let Connection::Http2(connection) = &opened.connection {
            let connection = Connection::Http2(connection.clone());
            self.pool.keep(Lease { origin: opened.origin.clone(), connection });
        }
        Ok(opened)
    }

    /// Sends the POST on a connection, and keeps the connection if it can be used again.
    async fn post(&self, mut lease: Lease, post: &Post, deadline: Instant) -> Result<Response, Failure> {
        let began = Instant::now();
        let result = lease.connection.post(post, deadline).await;
        let has_timed_out = match &result {
            Ok(response) => response.end == BodyEnd::TimedOut,
            Err(failure) => matches!(failure, Failure::TimedOut),
        };
        if result.as_ref().is_err_and(Failure::is_of_http2) {
            // The endpoint has processed the request, so only the next attempt sends it again.
            self.pool.require_http1(&lease.origin);
        }
        if has_timed_out {
            self.pool.forget(&lease, began);
        } else if let Connection::Http1(connection) = &mut lease.connection
            && connection.is_idle().await
        {
            self.pool.keep(lease);
        }
        result
    }
}

#[cfg(test)]
mod tests;
