//! How many connections deliveries open, and what they cost: to one host by the size of a batch, over TCP
//! and over TLS, and to thousands of hosts.
//!
//! `cargo bench -p storehook-tests --bench connections [-- --count 20000]`. It needs no stack: the sender
//! alone sends to a receiver in the bench's own process, batch after batch, each message of a batch
//! at the same time, as the delivery function does. Each place of a batch costs one connection, so
//! a reuse of 99 % takes a hundred batches. An HTTP/2 connection is shared by a batch. The rows that say
//! *new* send each batch by a new sender, as a new execution environment does.
//!
//! The CPU time is that of the whole process, with the receiver.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, ensure};
use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use delivery::{Sender, Sent, Settings};
use futures::future;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use rustls::{RootCertStore, ServerConfig, pki_types::PrivateKeyDer};
use serde_json::json;
use storehook_aws::Environment;
use storehook_domain::{
    delivery::request::DeliveryRequest,
    webhook::{Protocol, address::Address},
};
use storehook_tests::bench::{Arguments, Report, cpu_of, rounded};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

const HOSTS: usize = 3_000;

const BODY: &str = r#"{"id": 1}"#;

/// How an endpoint is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Tcp,
    Tls,
    Http2,
}

/// An endpoint on all addresses of this machine that answers 200.
struct Receiver {
    over: Over,
    port: u16,
    connections: Arc<AtomicUsize>,
    roots: RootCertStore,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::read();
    let posts = arguments.count_or(20_000);
    let mut report = Report::of("connections");
    for (over, batch, is_new) in [
        (Over::Tcp, 1, false),
        (Over::Tcp, 10, false),
        (Over::Tcp, 100, false),
        (Over::Tls, 10, false),
        (Over::Http2, 10, false),
        (Over::Tcp, 10, true),
        (Over::Tls, 10, true),
        (Over::Http2, 10, true),
    ] {
        let posts = posts / if is_new { 10 } else { 1 } / batch * batch;
        let receiver = Receiver::start(over).await?;
        let cpu = receiver.measure(batch, posts, is_new).await?;
        let opened = receiver.connections.load(Ordering::SeqCst);
        report.add(json!({
            "over": over.name(), "sender": if is_new { "new" } else { "kept" }, "batch": batch, "hosts": 1,
            "POSTs": posts, "connections": opened,
            "reuse %": rounded(100.0 * (1.0 - opened as f64 / posts as f64), 2),
            "CPU s / 1,000": rounded(cpu.as_secs_f64() * 1_000.0 / posts as f64, 4),
            "most open at once": null,
        }))?;
    }
    let receiver = Receiver::start(Over::Tcp).await?;
    let (sender, mut most) = (receiver.sender()?, 0);
    for first in (0..HOSTS).step_by(100) {
        let addresses =
            (first..first + 100).map(|host| receiver.address(host)).collect::<Result<Vec<_>>>()?;
        future::join_all(addresses.iter().map(|address| send(&sender, address))).await;
        most = most.max(descriptors()? / 2);
    }
    report.add(json!({
        "over": Over::Tcp.name(), "sender": "kept", "batch": 100, "hosts": HOSTS, "POSTs": HOSTS,
        "connections": receiver.connections.load(Ordering::SeqCst), "reuse %": null, "CPU s / 1,000": null,
        "most open at once": most,
    }))?;
    report.write()
}

impl Over {
    fn name(self) -> &'static str {
        match self {
            Self::Tcp => "HTTP/1.1, TCP",
            Self::Tls => "HTTP/1.1, TLS",
            Self::Http2 => "HTTP/2, TLS",
        }
    }
}

impl Receiver {
    async fn start(over: Over) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        let (port, connections) = (listener.local_addr()?.port(), Arc::new(AtomicUsize::new(0)));
        let (tls, roots) = tls(over)?;
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let tls = (over != Over::Tcp).then(|| tls.clone());
                tokio::spawn(async move {
                    _ = stream.set_nodelay(true);
                    match tls {
                        None => respond(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                respond(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Ok(Self { over, port, connections, roots })
    }

    /// One of its addresses: each is a host to the sender.
    fn address(&self, host: usize) -> Result<Address> {
        let scheme = if self.over == Over::Tcp { "http" } else { "https" };
        let (third, fourth) = (host / 250, host % 250 + 1);
        Ok(Address::parse(&format!("{scheme}://127.0.{third}.{fourth}:{}/", self.port))?)
    }

    fn sender(&self) -> Result<Sender> {
        Ok(Sender::trusting(&settings()?, self.roots.clone())?)
    }

    /// The CPU time of these POSTs.
    async fn measure(&self, batch: usize, posts: usize, is_new: bool) -> Result<Duration> {
        let (address, mut sender) = (self.address(0)?, self.sender()?);
        let began = cpu_of("self")?;
        for _ in 0..posts / batch {
            if is_new {
                sender = self.sender()?;
            }
            let sent = future::join_all((0..batch).map(|_| send(&sender, &address))).await;
            let failed = sent.into_iter().find(|sent| !matches!(sent, Sent::Responded(_)));
            ensure!(failed.is_none(), "{failed:?}");
        }
        Ok(cpu_of("self")? - began)
    }
}

/// This process's open files: both ends of each connection, and few others.
fn descriptors() -> Result<usize> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}

async fn send(sender: &Sender, address: &Address) -> Sent {
    let request = DeliveryRequest { headers: HeaderMap::new(), body: Cow::Borrowed(BODY) };
    sender.send(address, Protocol::Webhook, request, &Bytes::from_static(BODY.as_bytes())).await
}

/// Responds to all that comes on a connection.
async fn respond(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = TowerToHyperService::new(Router::new().route("/", post(async || "ok")));
    // It ends with an error when the sender drops the connection.
    _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// A certificate of the first address, and the roots that trust it.
fn tls(over: Over) -> Result<(TlsAcceptor, RootCertStore)> {
    let address = IpAddr::from([127, 0, 0, 1]).to_string();
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([address])?;
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key)?;
    config.alpn_protocols = vec![if over == Over::Http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone())?;
    Ok((TlsAcceptor::from(Arc::new(config)), roots))
}

fn settings() -> Result<Settings> {
    let unused = [
        "REGISTRY_TABLE",
        "HISTORY_TABLE",
        "STREAM_NAME",
        "DELIVERY_QUEUE_ARN",
        "DELIVERY_QUEUE_URL",
        "RETRY_QUEUE_ARN",
        "RETRY_QUEUE_URL",
        "JOBS_QUEUE_URL",
    ];
    let unused = unused.into_iter().map(|name| (name, "-"));
    let environment: Environment = unused.chain([("ALLOWED_CIDRS", "127.0.0.0/8")]).collect();
    Ok(Settings::read(&environment)?)
}
