//! A new connection: look-up, TCP, TLS, HTTP.
//!
//! This uses hyper's own connections, without a client around them. The clients of reqwest and
//! hyper-util do not fit: they limit idle connections for each host but not in all, share one
//! HTTP/2 connection even if it allows few streams, keep a connection that an attempt timed out on,
//! and do not say whether an attempt uses a kept connection. TCP is hyper-util's `HttpConnector`,
//! with its "happy eyeballs" (RFC 8305) and the guard as its resolver.

use std::time::Duration;

use http::Uri;
use hyper::client::conn::{http1, http2};
use hyper_util::{
    client::legacy::connect::HttpConnector,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::Service as _;
use url::{Host, Url};

use crate::{
    sender::{
        connection::{Connection, Http1, Http2, Socket},
        failure::Failure,
        guard::Guard,
        noted::{Noted, Noting},
        response::{HEAD_LIMIT, HEAD_LINES},
        tcp::Tcp,
        tls::{Tls, speaks_http2},
    },
    settings::Settings,
};

/// Makes connections.
pub(super) struct Connector {
    guard: Guard,
    tls: Tls,
    timeout: Duration,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Connector {
    pub(super) fn new(settings: &Settings, guard: Guard, tls: Tls) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .max_header_size(HEAD_LIMIT)
            .max_headers(HEAD_LINES)
            // Endpoints that are otherwise fine send such lines: a folded one, one with a space
            // before the colon or in its name, one with a control character. None of them matters
            // for a delivery. A line that cannot be read is passed over.
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        // While a request waits for its response, pings ask whether the other end is still there.
        // So a dead connection is found after three fifths of the attempt's time, and the rest is
        // enough for another connection.
        let ping = settings.attempt_timeout * 3 / 10;
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(ping)
            .keep_alive_timeout(ping)
            // Twice the limit, so that a head above the limit differs from a broken stream. See
            // `response.rs`.
            .max_header_list_size(2 * HEAD_LIMIT as u32)
            // Until the other end says how many streams it allows, only one is used.
            .initial_max_send_streams(1);
        Self { guard, tls, timeout: settings.connect_timeout, http1, http2 }
    }

    /// The guard that judges the addresses of new connections.
    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Opens a connection to the URL's host. One time limit covers all steps.
    pub(super) async fn connect(
        &self,
        url: &Url,
        uri: &Uri,
        is_http1_only: bool,
    ) -> Result<Connection, Failure> {
        let opening = async {
            let tcp = self.tcp(url, uri).await?;
            if url.scheme() == "http" {
                return self.speak_http1(tcp).await;
            }
            let tls = if is_http1_only { &self.tls.http1 } else { &self.tls.either };
            let stream = tls.connect(server_name(url)?, tcp).await.map_err(Failure::Tls)?;
            if speaks_http2(&stream) {
                self.speak_http2(TokioIo::new(stream)).await
            } else {
                self.speak_http1(stream).await
            }
        };
        tokio::time::timeout(self.timeout, opening).await.unwrap_or(Err(Failure::ConnectTimedOut))
    }

    async fn tcp(&self, url: &Url, uri: &Uri) -> Result<Tcp, Failure> {
        let mut tcp = HttpConnector::new_with_resolver(self.guard.resolver_for(url));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // The addresses of a name share the time, so a dead address leaves time for the next.
        tcp.set_connect_timeout(Some(self.timeout));
        let stream = tcp.call(uri.clone()).await.map_err(|error| Failure::Connect(error.into()))?;
        Ok(Tcp::new(stream.into_inner()))
    }

    async fn speak_http1(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Connection, Failure> {
        let noted = Noted::default();
        let socket: Box<dyn Socket> = Box::new(TokioIo::new(Noting { stream, noted: noted.clone() }));
        let (requests, driver) = self.http1.handshake(socket).await.map_err(Failure::Exchange)?;
        Ok(Connection::Http1(Box::new(Http1::new(requests, driver, noted))))
    }

    async fn speak_http2(&self, socket: impl Socket + 'static) -> Result<Connection, Failure> {
        let socket: Box<dyn Socket> = Box::new(socket);
        let (requests, driver) = self.http2.handshake(socket).await.map_err(Failure::Exchange)?;
        Ok(Connection::Http2(Http2::new(requests, driver)))
    }
}

/// The name that the certificate must have.
fn server_name(url: &Url) -> Result<ServerName<'static>, Failure> {
    match url.host() {
        Some(Host::Ipv4(ip)) => Ok(ServerName::IpAddress(std::net::IpAddr::from(ip).into())),
        Some(Host::Ipv6(ip)) => Ok(ServerName::IpAddress(std::net::IpAddr::from(ip).into())),
        Some(Host::Domain(name)) => {
            ServerName::try_from(name.to_owned()).map_err(|error| Failure::Connect(error.into()))
        }
        None => ServerName::try_from("").map_err(|error| Failure::Connect(error.into())),
    }
}
