//! The address guard: which addresses a delivery may reach.
//!
//! Addresses are hostile. A literal address is judged before the connection. A name is judged
//! inside the resolver: all of its addresses must be permitted, and the connection is made to one
//! of these. There is no second look-up that could give another address (DNS rebinding).

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use storehook_domain::webhook::{address::Address, address_policy::AddressPolicy};
use tower::Service;
use url::Url;

/// A function from a name to its addresses.
pub(super) type LookUp = Arc<dyn Fn(String) -> BoxFuture<'static, Found> + Send + Sync>;

/// The addresses of a name.
pub(super) type Found = Result<Vec<IpAddr>, NoAddress>;

/// The system's own look-up, `getaddrinfo`. Tokio calls it, too, but its errors do not tell whether
/// a name does not exist or its servers do not respond: `std` makes both an uncategorized
/// `io::Error`.
pub(super) fn system_look_up() -> LookUp {
    Arc::new(|name| {
        Box::pin(async move {
            let looking_up = tokio::task::spawn_blocking(move || look_up(&name));
            looking_up.await.unwrap_or_else(|error| Err(NoAddress::LookUp(error.into())))
        })
    })
}

fn look_up(name: &str) -> Found {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    match getaddrinfo(Some(name), None, Some(hints)) {
        Ok(found) => Ok(found.map(|info| Ok(info?.sockaddr.ip())).collect::<io::Result<_>>()?),
        Err(error) => Err(NoAddress::of(error.kind(), error.into())),
    }
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
    /// The look-up failed, so nobody knows whether the name has an address.
    #[error("the host name could not be looked up")]
    LookUp(#[from] io::Error),
}

impl NoAddress {
    /// What an error of `getaddrinfo` means.
    pub(super) fn of(kind: LookupErrorKind, error: io::Error) -> Self {
        match kind {
            LookupErrorKind::NoName | LookupErrorKind::NoData => Self::None,
            // Above all `Again`: a server responds with SERVFAIL, or none responds.
            _ => Self::LookUp(error),
        }
    }
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
            if addresses.iter().any(|ip| !policy.permits(*ip)) {
                return Err(NoAddress::NotAllowed);
            }
            if addresses.is_empty() {
                return Err(NoAddress::None);
            }
            // The connector puts the URL's port in.
            let addresses: Vec<_> = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect();
            Ok(addresses.into_iter())
        })
    }
}
