//! Tests of sending, against real sockets on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderMap;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::settings::tests::settings;

type TestResult = Result<(), Box<dyn Error>>;

/// An endpoint that answers each request on each connection with these bytes, and counts connections.
struct Endpoint {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Endpoint {
    async fn answering(answer: impl Into<Vec<u8>>) -> Result<Self, std::io::Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (connections.clone(), Arc::new(answer.into()));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer_each_request(socket, answer.clone()));
            }
        });
        Ok(Self { url, connections })
    }
}

/// Requests here fit one read, since their bodies are two bytes.
async fn answer_each_request(mut socket: TcpStream, answer: Arc<Vec<u8>>) {
    let mut request = [0; 4096];
    while let Ok(1..) = socket.read(&mut request).await {
        if socket.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// What sending came to: the status that was answered, or why there was none.
async fn send(sender: &Sender, url: &str) -> Result<Result<u16, FailedAttempt>, Box<dyn Error>> {
    let request = DeliveryRequest { headers: HeaderMap::new(), body: Cow::Borrowed("{}") };
    let message = Bytes::from_static(b"{}");
    Ok(match sender.send(&Address::parse(url)?, Protocol::Webhook, request, &message).await {
        Sent::Answered(answer) => Ok(answer.status),
        Sent::Unanswered { reason, .. } => Err(reason),
    })
}

fn sender(allowed_cidrs: &str, attempt_timeout: Duration) -> Result<Sender, Box<dyn Error>> {
    let settings = settings([("ALLOWED_CIDRS", allowed_cidrs)])?;
    Ok(Sender::new(&Settings { attempt_timeout, ..settings })?)
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn what_an_endpoint_answers_is_what_the_attempt_came_to() -> TestResult {
    let sender = sender("127.0.0.0/8", LONG)?;
    for (answer, outcome) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Ok(200)),
        ("HTTP/1.1 204 No Content\r\n\r\n", Ok(204)),
        ("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", Ok(500)),
        ("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", Ok(302)),
        ("no HTTP at all\r\n\r\n", Err(FailedAttempt::Broken)),
    ] {
        let endpoint = Endpoint::answering(answer).await?;
        assert_eq!(send(&sender, &endpoint.url).await?, outcome, "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_says_nothing_or_does_not_end_runs_into_the_clock() -> TestResult {
    let sender = sender("127.0.0.0/8", SHORT)?;
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"] {
        let endpoint = Endpoint::answering(answer).await?;
        assert_eq!(send(&sender, &endpoint.url).await?, Err(FailedAttempt::TimedOut), "{answer:?}");
    }
    Ok(())
}

/// An integration works on the event before it answers, and has its own time for it.
#[tokio::test]
async fn an_integration_has_longer_than_an_attempt_at_a_webhook() -> TestResult {
    let sender = sender("127.0.0.0/8", SHORT)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = Address::parse(&format!("http://{}/", listener.local_addr()?))?;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            _ = socket.read(&mut request).await;
            tokio::time::sleep(2 * SHORT).await;
            _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    for (protocol, is_in_time) in [(Protocol::Webhook, false), (Protocol::Integration, true)] {
        let request = DeliveryRequest { headers: HeaderMap::new(), body: Cow::Borrowed("{}") };
        let sent = sender.send(&address, protocol, request, &Bytes::from_static(b"{}")).await;
        assert_eq!(matches!(sent, Sent::Answered(_)), is_in_time, "{protocol:?}: {sent:?}");
    }
    Ok(())
}

#[tokio::test]
async fn of_an_endless_answer_no_more_is_read_than_the_limit() -> TestResult {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_vec();
    answer.resize(answer.len() + ANSWER_LIMIT, b'x');
    let endpoint = Endpoint::answering(answer).await?;
    // Read to its end, it would run into the clock.
    assert_eq!(send(&sender("127.0.0.0/8", LONG)?, &endpoint.url).await?, Ok(200));
    Ok(())
}

#[tokio::test]
async fn a_connection_is_used_again() -> TestResult {
    let sender = sender("127.0.0.0/8", LONG)?;
    let endpoint = Endpoint::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?;
    for _ in 0..3 {
        assert_eq!(send(&sender, &endpoint.url).await?, Ok(200));
    }
    assert_eq!(endpoint.connections.load(Ordering::SeqCst), 1);
    Ok(())
}

#[tokio::test]
async fn where_nobody_listens_there_is_no_connection() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    drop(listener);
    let outcome = send(&sender("127.0.0.0/8", LONG)?, &url).await?;
    assert_eq!(outcome, Err(FailedAttempt::NotConnected));
    Ok(())
}

#[tokio::test]
async fn a_closed_network_is_not_connected_to_by_address_or_by_name() -> TestResult {
    let endpoint = Endpoint::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    let port = endpoint.url.trim_end_matches("/hook").rsplit(':').next().unwrap_or_default().to_owned();
    let sender = sender("", LONG)?;
    for host in ["127.0.0.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "localhost."] {
        let outcome = send(&sender, &format!("http://{host}:{port}/hook")).await?;
        assert_eq!(outcome, Err(FailedAttempt::NotAllowed), "{host}");
    }
    assert_eq!(endpoint.connections.load(Ordering::SeqCst), 0);
    Ok(())
}

#[tokio::test]
async fn the_resolver_refuses_a_name_that_has_a_closed_address() -> TestResult {
    // The one name that every machine resolves to loopback, asked of the resolver itself.
    for (cidrs, is_refused) in [("", true), ("127.0.0.0/8,::1/128", false)] {
        let look_up: LookUp = Arc::new(|name| Box::pin(system_look_up(name)));
        let resolver = GuardedResolver { policy: AddressPolicy::opening(cidrs)?, look_up };
        let error = resolver.resolve("localhost".parse()?).await.err();
        assert_eq!(error.is_some_and(|error| error.is::<AddressRefused>()), is_refused, "{cidrs:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_name_without_an_address_is_told_so() -> TestResult {
    // A label of 64 letters is no name (RFC 1035), so nobody is asked for it.
    let outcome = send(&sender("", LONG)?, &format!("http://{}.example/", "a".repeat(64))).await?;
    assert_eq!(outcome, Err(FailedAttempt::NotResolved));
    Ok(())
}
