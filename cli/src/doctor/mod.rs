//! Whether an endpoint is a good receiver.
//!
//! The doctor sends test events, built and signed by the code that builds deliveries ([`requests`]),
//! and looks at what comes back ([`exchange`]) and at the [`certificate`]. What it found goes
//! through the [`checks`]. A receiver must take a delivery with right signatures, also a second
//! time, and refuse those with wrong ones or without. If the first one gets no response, no other is
//! sent.
//!
//! All of them carry the header `-Test: true` and a sample payload. The secret is used for the
//! signatures and is never shown.

pub mod certificate;
pub mod checks;
pub mod exchange;
pub mod report;
pub mod requests;

use std::{net::IpAddr, sync::Arc, time::Duration};

use anyhow::Result;
use rustls::{RootCertStore, client::danger::ServerCertVerifier};
use storehook_aws::random_text;
use storehook_domain::{
    event::{id::EventId, topic::Topic},
    installation::secret::SharedSecret,
    webhook::{
        Format, Protocol, address::Address, address_policy::AddressPolicy, header_prefix::HeaderPrefix,
    },
};

use self::{
    certificate::Noting,
    checks::findings::{Findings, Others},
    exchange::{Exchange, Unanswered, post},
    report::Diagnosis,
    requests::{Kind, Shape, TestWebhook},
};
use crate::{
    exit::Wrong,
    global::Global,
    http_client::{client_with, public_roots, verifier},
    secret::receivers_secret,
};

/// How long a connection may take by default: the template's `ConnectTimeoutSeconds`.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// How long an attempt at an integration may take: that of the delivery function.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(30);

const EXAMPLES: &str = "\
Examples:
  STOREHOOK_SECRET=... storehook doctor https://app.example.com/webhooks/orders
  storehook doctor http://127.0.0.1:9000/ --secret - < secret.txt
  STOREHOOK_SECRET=... storehook doctor https://app.example.com/spree --protocol integration --json";

/// The options of `storehook doctor`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The address of the endpoint.
    #[arg(value_name = "URL", value_parser = address)]
    address: Address,
    /// The shared secret of the receiver; - reads it from standard input [default on the local stack: the demo app's]
    #[arg(long, env = "STOREHOOK_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// How the endpoint is to respond: webhook or integration.
    #[arg(long, default_value = "webhook", value_parser = protocol)]
    protocol: Protocol,
    /// The format of the bodies: json or xml.
    #[arg(long, default_value = "json", value_parser = format)]
    format: Format,
    /// The topic of the test events.
    #[arg(long, default_value = "orders/create", value_parser = Topic::parse)]
    topic: Topic,
    /// How the names of the platform's own headers begin: the stack's parameter HeaderPrefix.
    #[arg(long, default_value = "X-Spiffy-Stores", value_name = "PREFIX", value_parser = HeaderPrefix::parse)]
    header_prefix: HeaderPrefix,
    /// How many seconds an attempt may take: the stack's parameter AttemptTimeoutSeconds; an integration has 30.
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=30))]
    timeout: u64,
}

/// `storehook doctor`
///
/// # Errors
///
/// Something is wrong with the endpoint, or there is no secret to sign with.
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let secret = receivers_secret(args.secret.as_deref(), global).await?;
    let limit = match args.protocol {
        Protocol::Webhook => Duration::from_secs(args.timeout),
        Protocol::Integration => INTEGRATION_LIMIT,
    };
    let Args { address, protocol, format, topic, header_prefix, .. } = args;
    let shape = Shape { protocol, format, topic: Some(topic), header_prefix };
    let diagnosis = examine(address, secret, shape, limit, public_roots()).await?;
    global.show(&diagnosis)?;
    if diagnosis.is_wrong() { Err(Wrong.into()) } else { Ok(()) }
}

/// Examines an endpoint, whose certificate must chain to one of these roots.
///
/// # Errors
///
/// No request can be built, or there is no randomness.
pub async fn examine(
    address: Address,
    secret: SharedSecret,
    shape: Shape,
    limit: Duration,
    roots: RootCertStore,
) -> Result<Diagnosis> {
    let protocol = shape.protocol;
    let webhook = TestWebhook::new(address, secret, SharedSecret::parse(&random_text()?)?, shape)?;
    let event_id = EventId::parse(&format!("doctor-{}", uuid::Uuid::new_v4()))?;
    let verifier: Arc<dyn ServerCertVerifier> = verifier(roots)?;
    let noting = Noting::new(verifier);
    let client = client_with(noting.clone(), CONNECT_LIMIT.min(limit), limit)?;
    let address = &webhook.webhook.address;
    let send = async |kind| -> Result<Exchange> {
        let request = webhook.request(kind, &event_id, storehook_aws::now())?;
        Ok(post(&client, address, request).await)
    };
    let (right, forbidden) = match look_up(address).await {
        Ok(addresses) => {
            let policy = AddressPolicy::default();
            (send(Kind::Right).await?, addresses.into_iter().find(|ip| !policy.permits(*ip)))
        }
        Err(unanswered) => (Exchange { result: Err(unanswered), took: Duration::ZERO }, None),
    };
    let others = match right.result {
        Ok(_) => Some(Others {
            again: send(Kind::Right).await?,
            wrong: send(Kind::Wrong).await?,
            unsigned: send(Kind::Unsigned).await?,
            old: send(Kind::Old).await?,
        }),
        Err(_) => None,
    };
    let certificate = noting.seen();
    let address = address.clone();
    let findings = Findings { address, protocol, limit, event_id, forbidden, certificate, right, others };
    Ok(Diagnosis::of(&findings, storehook_aws::now()))
}

/// The addresses of a host.
async fn look_up(address: &Address) -> Result<Vec<IpAddr>, Unanswered> {
    let url = address.url().clone();
    let found = tokio::task::spawn_blocking(move || url.socket_addrs(|| None)).await;
    match found.map_err(std::io::Error::from).flatten() {
        Ok(found) => Ok(found.into_iter().map(|one| one.ip()).collect()),
        Err(error) => Err(Unanswered::no_address(&error)),
    }
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| format!("the address {error}"))
}

fn protocol(text: &str) -> Result<Protocol, &'static str> {
    Protocol::from_name(text).ok_or("it is webhook or integration")
}

fn format(text: &str) -> Result<Format, &'static str> {
    Format::from_name(text).ok_or("it is json or xml")
}

#[cfg(test)]
mod tests;
