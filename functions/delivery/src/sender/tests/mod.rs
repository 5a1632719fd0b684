//! Tests of sending, over real sockets on loopback.

mod abuse;
mod addresses;
mod causes;
mod guarded;
mod http2;
mod http2_responses;
mod kept;
mod requests;
mod responses;

use std::{
    error::Error,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustls::{RootCertStore, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::settings::tests::settings;

type TestResult = Result<(), Box<dyn Error>>;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);
/// Long enough for attempts that must not time out, even on a busy machine.
const SHORT: Duration = Duration::from_secs(1);

/// An endpoint that counts its connections.
struct Endpoint {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Endpoint {
    /// An endpoint that serves each connection with `serve`. Connections are numbered from 1.
    async fn serving<F>(serve: impl Fn(usize, TcpStream) -> F + Send + 'static) -> io::Result<Self>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, connections) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::spawn(serve(number, socket));
            }
        });
        Ok(Self { address, connections })
    }

    /// An endpoint that responds to each request on each connection with these bytes.
    async fn answering(answer: impl Into<Vec<u8>>) -> io::Result<Self> {
        let answer = Arc::new(answer.into());
        Self::serving(move |_, socket| answer_each(socket, answer.clone(), usize::MAX)).await
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Responds to this many requests, and closes the connection in the middle of the next. Requests
/// here fit into one read, because their bodies have two bytes.
async fn answer_each(mut socket: TcpStream, answer: Arc<Vec<u8>>, requests: usize) -> io::Result<()> {
    let mut request = [0; 4096];
    for _ in 0..requests {
        if socket.read(&mut request).await? == 0 {
            return Ok(());
        }
        socket.write_all(&answer).await?;
    }
    socket.read(&mut request).await.map(drop)
}

/// The TLS side of an endpoint: an acceptor, and the roots that trust it.
fn tls_of(
    change: impl FnOnce(&mut rcgen::CertificateParams),
    protocols: &[&str],
) -> Result<(TlsAcceptor, RootCertStore), Box<dyn Error>> {
    let mut certificate = rcgen::CertificateParams::new(["endpoint.example".to_owned()])?;
    change(&mut certificate);
    let key = rcgen::KeyPair::generate()?;
    let certificate = certificate.self_signed(&key)?.der().clone();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut server = server.with_no_client_auth().with_single_cert(vec![certificate.clone()], key)?;
    server.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    Ok((TlsAcceptor::from(Arc::new(server)), roots))
}

/// A sender that may reach loopback.
fn sender(attempt_timeout: Duration) -> Result<Sender, Box<dyn Error>> {
    Ok(Sender::new(&open(attempt_timeout)?)?)
}

/// The same, but every name leads to loopback.
fn sender_trusting(roots: RootCertStore, attempt_timeout: Duration) -> Result<Sender, Box<dyn Error>> {
    let look_up: LookUp = Arc::new(|_| Box::pin(std::future::ready(Ok(vec![Ipv4Addr::LOCALHOST.into()]))));
    Ok(Sender::with(&open(attempt_timeout)?, Tls::trusting(roots)?, look_up))
}

fn open(attempt_timeout: Duration) -> Result<Settings, Box<dyn Error>> {
    let open = settings([("ALLOWED_CIDRS", "127.0.0.0/8,::1/128")])?;
    Ok(Settings { attempt_timeout, connect_timeout: LONG, ..open })
}

async fn send_to(sender: &Sender, protocol: Protocol, url: &str) -> Result<Sent, Box<dyn Error>> {
    let request = DeliveryRequest { headers: HeaderMap::new(), body: Cow::Borrowed("{}") };
    Ok(sender.send(&Address::parse(url)?, protocol, request, &Bytes::from_static(b"{}")).await)
}

/// The result of sending to a webhook: the status of the response, or why there was none.
async fn send(sender: &Sender, url: &str) -> Result<Result<u16, FailedAttempt>, Box<dyn Error>> {
    Ok(match send_to(sender, Protocol::Webhook, url).await? {
        Sent::Responded(response) => Ok(response.status),
        Sent::Unanswered { reason, .. } => Err(reason),
    })
}

/// Sends this many at the same time.
async fn send_batch(
    sender: &Sender,
    url: &str,
    count: usize,
) -> Result<Vec<Result<u16, FailedAttempt>>, Box<dyn Error>> {
    futures::future::try_join_all((0..count).map(|_| send(sender, url))).await
}

/// A look-up that gives these results one after the other, and the last one from then on.
fn leading_to(answers: Vec<Vec<IpAddr>>) -> (LookUp, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let look_up: LookUp = Arc::new(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        Box::pin(std::future::ready(Ok(answers[number].clone())))
    });
    (look_up, asked)
}
