//! The address guard: which addresses a delivery may reach.
//!
//! Addresses are hostile. A literal one is judged before anything is connected to. A name is judged inside
//! the resolver: every address that it leads to must be permitted, and the connection is then made to those
//! very addresses. There is no second look-up in between that could lead elsewhere (DNS rebinding).

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

/// How a name becomes addresses.
pub(super) type LookUp = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The system's own look-up.
pub(super) fn system_look_up() -> LookUp {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}

/// Judges addresses.
pub(super) struct Guard {
    /// What the operator permits.
    policy: AddressPolicy,
    /// What is permitted on the port of Lambda's Runtime API, whatever the operator has opened.
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

    /// The Runtime API would hand out other invocations, and take responses to them.
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

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAddress {
    /// It has an address that no delivery may reach.
    #[error("the host has an address that is not allowed")]
    NotAllowed,
    /// It has none.
    #[error("the host name has no address")]
    None,
    /// It could not be looked up. The system does not tell by type whether the name does not exist or its
    /// servers do not answer (Rust's `std` makes both an uncategorized `io::Error`).
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
            // One bad address spoils the name: which of them is connected to is not ours to choose.
            if addresses.iter().any(|address| !policy.permits(address.ip())) {
                return Err(NoAddress::NotAllowed);
            }
            if addresses.is_empty() { Err(NoAddress::None) } else { Ok(addresses.into_iter()) }
        })
    }
}
