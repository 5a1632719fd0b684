//! How requests reach endpoints: over the network, or to a script in their place.
//!
//! A script serves the simulator of `tests/`, whose endpoints respond on a virtual clock. It sees
//! what the network would carry. It passes through none of `sender`: no guard, no connection, no
//! time limit, no limits of a response.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::HeaderMap;
use storehook_domain::{
    delivery::request::DeliveryRequest,
    webhook::{Protocol, address::Address},
};

use crate::sender::{Sender, Sent};

/// Responds in the place of all endpoints.
#[derive(Clone)]
pub struct Script(pub Arc<dyn Fn(Scripted) -> BoxFuture<'static, Sent> + Send + Sync>);

/// A request that a script responds to.
#[derive(Debug, Clone)]
pub struct Scripted {
    /// The webhook's address.
    pub address: Address,
    /// The webhook's protocol.
    pub protocol: Protocol,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl fmt::Debug for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Script")
    }
}

/// How requests reach endpoints.
pub(crate) enum Transport {
    Network(Box<Sender>),
    Script(Script),
}

impl Transport {
    /// Sends a request. `message` holds the bytes that it was built from.
    pub(crate) async fn send(
        &self,
        address: &Address,
        protocol: Protocol,
        request: DeliveryRequest<'_>,
        message: &Bytes,
    ) -> Sent {
        match self {
            Self::Network(sender) => sender.send(address, protocol, request, message).await,
            Self::Script(Script(respond)) => {
                let (address, body) = (address.clone(), request.body.into_owned());
                respond(Scripted { address, protocol, headers: request.headers, body }).await
            }
        }
    }
}
