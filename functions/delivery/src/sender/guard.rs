//! The address guard: which addresses a delivery may reach.
//!
//! Addresses are hostile. A literal address is judged before the connection. A name is judged
//! inside the resolver: all of its addresses must be permitted, and the connection is made to one
//! of these. There is no second look-up that could give another address (DNS rebinding).

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use storehook_domain::webhook::{address::Address, address_policy::AddressPolicy};
use tower::Service;
use url::Url;

/// A function from a name to its addresses.
pub(super) type LookUp = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The system's own look-up.
pub(super) fn system_look_up() -> LookUp {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}

/// Judges addresses.
pub(super) struct Guard {
    /// The addresses that the operator permits.
    policy: AddressPolicy,
    /// The addresses that are permitted on the port of Lambda's Runtime API, whatever the operator
    /// has opened.
    strict: AddressPolicy,
    runtime_api_port: Option<u16>,
    look_up: LookUp,
}

impl Guard {
    pub(super) fn new(policy: AddressPolicy, runtime_api_port: Option<u16>, look_up: LookUp) -> Self {
        Self { policy, strict: AddressPolicy::default(), runtime_api_port, look_up }
    }

    /// Whether an address is refused without a look-up.
    pub(super) fn refuses(&self, address: &Address) -> bool {
        address.is_refused_by(self.policy_for(address.url()))
    }

    /// A resolver that refuses names with an address that this URL may not reach.
    pub(super) fn resolver_for(&self, url: &Url) -> GuardedResolver {
        GuardedResolver { policy: self.policy_for(url).clone(), look_up: self.look_up.clone() }
    }

    /// The Runtime API would hand out other invocations and accept responses to them.
    fn policy_for(&self, url: &Url) -> &AddressPolicy {
        let port = url.port_or_known_default();
        if port.is_some() && port == self.runtime_api_port { &self.strict } else { &self.policy }
    }
}

/// A resolver behind the guard.
#[derive(Clone)]
pub(super) struct GuardedResolver {
    policy: AddressPolicy,
    look_up: LookUp,
}

/// Why a name gives no addresses to connect to.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAddress {
    /// The name has an address that no delivery may reach.
    #[error("the host has an address that is not allowed")]
    NotAllowed,
    /// The name has no address.
    #[error("the host name has no address")]
    None,
    /// The look-up failed. The type of the error does not tell whether the name does not exist or
    /// its servers do not respond (Rust's `std` makes both an uncategorized `io::Error`).
    #[error("the host name could not be looked up")]
    LookUp(#[from] io::Error),
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = NoAddress;
    type Future = BoxFuture<'static, Result<Self::Response, NoAddress>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoAddress>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (policy, found) = (self.policy.clone(), (self.look_up)(name.as_str().to_owned()));
        Box::pin(async move {
            let addresses = found.await?;
            // One forbidden address forbids the name, because the connector chooses among its
            // addresses.
            if addresses.iter().any(|address| !policy.permits(address.ip())) {
                return Err(NoAddress::NotAllowed);
            }
            if addresses.is_empty() { Err(NoAddress::None) } else { Ok(addresses.into_iter()) }
        })
    }
}
