//! Sending: one HTTP client for the whole environment, guarded and bounded.
//!
//! Connections are pooled and reused across invocations, because a TLS handshake costs
//! as much as twenty POSTs. The address guard stands inside the client's resolver: it
//! judges every address that a name resolves to, and the client then connects to those
//! very addresses, with no second look-up in between. Literal addresses never reach a
//! resolver, so they are judged before the client is asked.
//!
//! Nothing that an endpoint does costs more than its time: one clock covers the look-up,
//! the connection, the request and the answer, of which at most [`ANSWER_LIMIT`] is read.

use std::{borrow::Cow, error::Error, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use storehook_domain::{Address, AddressPolicy, DeliveryRequest, FailedAttempt, Outcome};

use crate::{
    Settings,
    pool::{IDLE_PER_HOST, Pool},
};

/// The most of an answer that is read, in bytes.
const ANSWER_LIMIT: usize = 16 * 1024;

/// How long an idle connection is kept. Load balancers commonly close theirs after 60 s; to
/// close first is to not send into a connection that is being closed.
const IDLE_LIMIT: Duration = Duration::from_secs(50);

/// The HTTP side of deliveries.
pub(crate) struct Sender {
    pool: Pool,
    policy: AddressPolicy,
}

/// What sending came to.
pub(crate) struct Sent {
    pub(crate) outcome: Outcome,
    /// The cause of a failure, for the log.
    pub(crate) error: Option<String>,
}

/// The HTTP client could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The TLS versions and roots do not fit together.
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
    /// The client refused its settings.
    #[error("the HTTP client could not be set up")]
    Client(#[from] reqwest::Error),
}

impl Sender {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SenderError> {
        let policy = settings.address_policy.clone();
        let (tls, resolver) = (tls()?, Arc::new(GuardedResolver { policy: policy.clone() }));
        let (connect_timeout, attempt_timeout) = (settings.connect_timeout, settings.attempt_timeout);
        let build = move || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(resolver.clone())
                .redirect(redirect::Policy::none())
                .no_proxy()
                .retry(reqwest::retry::never())
                .connect_timeout(connect_timeout)
                .timeout(attempt_timeout)
                .pool_idle_timeout(IDLE_LIMIT)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .tcp_nodelay(true)
                .build()
        };
        Ok(Self { pool: Pool::new(build)?, policy })
    }

    /// Makes one attempt.
    ///
    /// `message` holds the bytes that the request was built from; a body that is a part of them
    /// is sent from where it lies.
    pub(crate) async fn send(
        &self,
        address: &Address,
        request: DeliveryRequest<'_>,
        message: &Bytes,
    ) -> Sent {
        if address.is_refused_by(&self.policy) {
            return Sent { outcome: Outcome::Failed(FailedAttempt::NotAllowed), error: None };
        }
        match self.post(address, request, message).await {
            Ok(status) => Sent { outcome: Outcome::of_status(status), error: None },
            Err(error) => {
                let outcome = Outcome::Failed(failure_of(&error));
                // Without the address: its path and query may hold what is not for a log.
                Sent { outcome, error: Some(storehook_aws::causes(&error.without_url())) }
            }
        }
    }

    async fn post(
        &self,
        address: &Address,
        request: DeliveryRequest<'_>,
        message: &Bytes,
    ) -> Result<u16, reqwest::Error> {
        let body = match request.body {
            Cow::Borrowed(part) => message.slice_ref(part.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        let client = self.pool.client_for(address.url().authority())?;
        let post = client.post(address.url().clone()).headers(request.headers);
        let mut answer = post.body(body).send().await?;
        // An answer that is read to its end leaves its connection for the next delivery. One
        // that is longer than we read is cut off, and its connection with it.
        let mut read = 0;
        while read < ANSWER_LIMIT
            && let Some(chunk) = answer.chunk().await?
        {
            read += chunk.len();
        }
        Ok(answer.status().as_u16())
    }
}

/// TLS 1.2 and 1.3 with the public roots (Mozilla's, as webpki-roots carries them). They are
/// parsed at build time, so they cost a cold start nothing.
pub(crate) fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let roots: rustls::RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = versions.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The system's resolver, behind the address guard.
struct GuardedResolver {
    policy: AddressPolicy,
}

/// A name has an address that no delivery may reach.
#[derive(Debug, thiserror::Error)]
#[error("the host has an address that is not allowed")]
struct AddressRefused;

/// A name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("the host could not be resolved")]
struct NotResolved(#[source] std::io::Error);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(NotResolved)?;
            let addresses: Vec<SocketAddr> = found.collect();
            // One bad address spoils the name: which of them is connected to is not ours to choose.
            if addresses.iter().any(|address| !policy.permits(address.ip())) {
                return Err(AddressRefused.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// What a failed call means. The client wraps what the guard and the network said.
fn failure_of(error: &reqwest::Error) -> FailedAttempt {
    if caused_by::<AddressRefused>(error) {
        FailedAttempt::NotAllowed
    } else if caused_by::<NotResolved>(error) {
        FailedAttempt::NotResolved
    } else if error.is_timeout() {
        FailedAttempt::TimedOut
    } else if error.is_connect() {
        FailedAttempt::NotConnected
    } else {
        FailedAttempt::Broken
    }
}

fn caused_by<E: Error + 'static>(error: &reqwest::Error) -> bool {
    let mut chain = std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source());
    chain.any(|error| error.is::<E>())
}

#[cfg(test)]
#[path = "sender_tests.rs"]
mod tests;
