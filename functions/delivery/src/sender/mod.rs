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

pub(crate) mod pool;

use std::{borrow::Cow, error::Error, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{self, HeaderMap},
    redirect,
};
use storehook_domain::{
    delivery::{
        outcome::{FailedAttempt, Response},
        request::DeliveryRequest,
    },
    webhook::{Protocol, address::Address, address_policy::AddressPolicy},
};

use crate::{
    Settings,
    sender::pool::{IDLE_LIMIT, IDLE_PER_HOST, Pool},
};

/// The most of an answer that is read, in bytes.
const ANSWER_LIMIT: usize = 16 * 1024;

/// How long an attempt at an integration endpoint may take: it works on the event before it answers.
pub const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The HTTP side of deliveries.
pub(crate) struct Sender {
    pool: Pool,
    build: BuildClient,
    policy: AddressPolicy,
    attempt_timeout: Duration,
    runtime_api_port: Option<u16>,
}

/// What sending came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The endpoint answered.
    Answered(Response),
    /// It did not, or was not asked.
    Unanswered {
        /// Why.
        reason: FailedAttempt,
        /// The cause, for the log.
        cause: Option<String>,
    },
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
        Self::resolving(settings, tls()?, Arc::new(|name| Box::pin(system_look_up(name))))
    }

    /// A sender that trusts these roots and finds addresses so.
    fn resolving(
        settings: &Settings,
        tls: rustls::ClientConfig,
        look_up: LookUp,
    ) -> Result<Self, SenderError> {
        let connect_timeout = settings.connect_timeout;
        let build: BuildClient = Arc::new(move |policy| {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::new(GuardedResolver { policy, look_up: look_up.clone() }))
                .redirect(redirect::Policy::none())
                .no_proxy()
                .retry(reqwest::retry::never())
                .connect_timeout(connect_timeout)
                .pool_idle_timeout(IDLE_LIMIT)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .tcp_nodelay(true)
                .build()
        });
        let (of_pool, policy) = (build.clone(), settings.address_policy.clone());
        Ok(Self {
            pool: Pool::new(move || of_pool(policy.clone()))?,
            build,
            policy: settings.address_policy.clone(),
            attempt_timeout: settings.attempt_timeout,
            runtime_api_port: settings.runtime_api_port,
        })
    }

    /// Makes one attempt.
    ///
    /// `message` holds the bytes that the request was built from; a body that is a part of them
    /// is sent from where it lies.
    pub(crate) async fn send(
        &self,
        address: &Address,
        protocol: Protocol,
        request: DeliveryRequest<'_>,
        message: &Bytes,
    ) -> Sent {
        let body = match request.body {
            Cow::Borrowed(part) => message.slice_ref(part.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        let timeout = match protocol {
            Protocol::Webhook => self.attempt_timeout,
            Protocol::Integration => INTEGRATION_TIMEOUT,
        };
        let attempt = async {
            if self.is_refused(address) {
                return Sent::Unanswered { reason: FailedAttempt::NotAllowed, cause: None };
            }
            match self.post(address, request.headers, body).await {
                Ok(answer) => Sent::Answered(answer),
                // Without the address: its path and query may hold what is not for a log.
                Err(error) => Sent::Unanswered {
                    reason: failure_of(&error),
                    cause: Some(storehook_aws::causes(&error.without_url())),
                },
            }
        };
        let timed_out = Sent::Unanswered { reason: FailedAttempt::TimedOut, cause: None };
        tokio::time::timeout(timeout, attempt).await.unwrap_or(timed_out)
    }

    /// POSTs and reads the answer. A connection that was kept may have been closed at the other end: if it
    /// breaks before there is an answer, another one is opened at once, and that is no second attempt.
    async fn post(
        &self,
        address: &Address,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, reqwest::Error> {
        if self.is_runtime_api(address) {
            return post_with(&(self.build)(AddressPolicy::default())?, address, headers, body).await;
        }
        let host = address.url().authority();
        let (client, may_be_kept) = self.pool.client_for(host)?;
        let mut result = post_with(&client, address, headers.clone(), body.clone()).await;
        if may_be_kept && result.as_ref().is_err_and(is_broken_before_the_answer) {
            result = post_with(&(self.build)(self.policy.clone())?, address, headers, body).await;
        }
        self.pool.note(host, result.is_ok());
        result
    }

    /// Whether an address may be that of Lambda's Runtime API: then no network is open that the operator
    /// has opened.
    fn is_runtime_api(&self, address: &Address) -> bool {
        let port = address.url().port_or_known_default();
        port.is_some() && port == self.runtime_api_port
    }

    fn is_refused(&self, address: &Address) -> bool {
        match self.is_runtime_api(address) {
            true => address.is_refused_by(&AddressPolicy::default()),
            false => address.is_refused_by(&self.policy),
        }
    }
}

async fn post_with(
    client: &Client,
    address: &Address,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, reqwest::Error> {
    let mut response = client.post(address.url().clone()).headers(headers).body(body).send().await?;
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let mut answer = Response {
        status: response.status().as_u16(),
        retry_after: retry_after.map(str::to_owned),
        body: Vec::new(),
    };
    // An answer that is read to its end leaves its connection for the next delivery. One
    // that is longer than we read is cut off, and its connection with it.
    while answer.body.len() < ANSWER_LIMIT
        && let Some(chunk) = response.chunk().await?
    {
        let room = ANSWER_LIMIT - answer.body.len();
        answer.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(answer)
}

fn is_broken_before_the_answer(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

/// TLS 1.2 and 1.3 with the public roots (Mozilla's, as webpki-roots carries them). They are
/// parsed at build time, so they cost a cold start nothing.
pub(crate) fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    tls_trusting(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
}

fn tls_trusting(roots: rustls::RootCertStore) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = versions.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// How a client is built that reaches what a policy permits.
type BuildClient = Arc<dyn Fn(AddressPolicy) -> reqwest::Result<Client> + Send + Sync>;

/// How a name becomes addresses.
type LookUp = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

async fn system_look_up(name: String) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect())
}

/// A resolver behind the address guard.
struct GuardedResolver {
    policy: AddressPolicy,
    look_up: LookUp,
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
        let (policy, found) = (self.policy.clone(), (self.look_up)(name.as_str().to_owned()));
        Box::pin(async move {
            let addresses = found.await.map_err(NotResolved)?;
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
mod tests;

#[cfg(test)]
mod connection_tests;
