//! Tests of connections: which address they go to, what they speak, and how they break.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, http::Version, routing::post};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::settings::tests::settings;

type TestResult = Result<(), Box<dyn Error>>;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

async fn send(sender: &Sender, url: &str) -> Result<Sent, Box<dyn Error>> {
    let request = DeliveryRequest { headers: HeaderMap::new(), body: Cow::Borrowed("{}") };
    Ok(sender.send(&Address::parse(url)?, Protocol::Webhook, request, &Bytes::from_static(b"{}")).await)
}

fn status(sent: &Sent) -> Option<u16> {
    match sent {
        Sent::Answered(answer) => Some(answer.status),
        Sent::Unanswered { .. } => None,
    }
}

/// Where each look-up of a name leads, one after the other; the last one for all that follow.
fn leading_to(answers: Vec<Vec<IpAddr>>) -> (LookUp, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let look_up: LookUp = Arc::new(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let found = answers[number].iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
        Box::pin(async move { io::Result::Ok(found) })
    });
    (look_up, asked)
}

/// An endpoint that counts its connections, and after so many requests on one of them hangs up in the
/// middle of the next.
async fn hanging_up_after(requests: usize) -> Result<(u16, Arc<AtomicUsize>), io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                for _ in 0..requests {
                    if !matches!(socket.read(&mut request).await, Ok(1..))
                        || socket.write_all(OK).await.is_err()
                    {
                        return;
                    }
                }
                _ = socket.read(&mut request).await;
            });
        }
    });
    Ok((port, connections))
}

#[tokio::test]
async fn a_kept_connection_that_breaks_is_replaced_at_once() -> TestResult {
    let (port, connections) = hanging_up_after(2).await?;
    let sender = Sender::new(&settings([("ALLOWED_CIDRS", "127.0.0.0/8")])?)?;
    let url = format!("http://127.0.0.1:{port}/");
    for number in 1..=3 {
        assert_eq!(status(&send(&sender, &url).await?), Some(200), "delivery {number}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    Ok(())
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_a_failed_attempt() -> TestResult {
    let (port, connections) = hanging_up_after(0).await?;
    let sender = Sender::new(&settings([("ALLOWED_CIDRS", "127.0.0.0/8")])?)?;
    for attempt in 1..=3 {
        let sent = send(&sender, &format!("http://127.0.0.1:{port}/")).await?;
        assert!(matches!(sent, Sent::Unanswered { reason: FailedAttempt::Broken, .. }), "{sent:?}");
        assert_eq!(connections.load(Ordering::SeqCst), attempt, "one POST for each");
    }
    Ok(())
}

/// What is looked up is judged, and what is judged is connected to: a name that leads elsewhere when it
/// is asked again is not asked again.
#[tokio::test]
async fn a_connection_goes_to_the_very_address_that_was_judged() -> TestResult {
    let (port, connections) = hanging_up_after(9).await?;
    let (open, closed) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from([10, 0, 0, 1]));
    for (answers, is_allowed) in [
        (vec![vec![open], vec![closed]], true),
        (vec![vec![closed], vec![open]], false),
        (vec![vec![open, closed]], false),
        (vec![vec![closed, open]], false),
        (vec![vec![open, open]], true),
    ] {
        let before = connections.load(Ordering::SeqCst);
        let (look_up, asked) = leading_to(answers.clone());
        let sender = Sender::resolving(&settings([("ALLOWED_CIDRS", "127.0.0.0/8")])?, tls()?, look_up)?;
        let sent = send(&sender, &format!("http://rebinding.example:{port}/")).await?;
        let expected = Sent::Unanswered { reason: FailedAttempt::NotAllowed, cause: None };
        match is_allowed {
            true => assert_eq!(status(&sent), Some(200), "{answers:?}"),
            false => assert!(
                matches!(&sent, Sent::Unanswered { reason: FailedAttempt::NotAllowed, .. }),
                "{answers:?}: {sent:?}, not {expected:?}"
            ),
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{answers:?}");
        assert_eq!(connections.load(Ordering::SeqCst) - before, usize::from(is_allowed), "{answers:?}");
    }
    Ok(())
}

/// An endpoint whose queue of connections is full takes no more, and says nothing.
#[tokio::test]
async fn a_connection_that_is_not_taken_runs_into_its_own_clock() -> TestResult {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind("127.0.0.1:0".parse()?)?;
    let listener = socket.listen(1)?;
    let address = listener.local_addr()?;
    let mut waiting = Vec::new();
    // As many as the system queues for it; each that is not queued would wait for minutes.
    while let Ok(Ok(connection)) =
        tokio::time::timeout(Duration::from_millis(200), tokio::net::TcpStream::connect(address)).await
    {
        waiting.push(connection);
    }
    let open = settings([("ALLOWED_CIDRS", "127.0.0.0/8")])?;
    let attempt_timeout = Duration::from_secs(600);
    let quick = Settings { connect_timeout: Duration::from_millis(100), attempt_timeout, ..open };
    let sent = send(&Sender::new(&quick)?, &format!("http://{address}/")).await?;
    assert!(matches!(sent, Sent::Unanswered { reason: FailedAttempt::TimedOut, .. }), "{sent:?}");
    Ok(())
}

/// In a process of its own, whose environment names a proxy that is not there.
#[test]
fn proxies_of_the_environment_are_ignored() -> TestResult {
    let mut sending = std::process::Command::new(std::env::current_exe()?);
    sending.args(["--exact", "sender::connection_tests::a_kept_connection_that_breaks_is_replaced_at_once"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        sending.env(name, "http://127.0.0.1:9");
    }
    let output = sending.env_remove("NO_PROXY").env_remove("no_proxy").output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
    Ok(())
}

/// The Runtime API would hand out other invocations, and take answers to them.
#[tokio::test]
async fn the_functions_own_runtime_api_is_out_of_reach_even_where_loopback_is_open() -> TestResult {
    let (port, connections) = hanging_up_after(9).await?;
    let (look_up, _) = leading_to(vec![vec![Ipv4Addr::LOCALHOST.into()]]);
    let open =
        settings([("ALLOWED_CIDRS", "127.0.0.0/8,::1/128"), ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")])?;
    assert_eq!(open.runtime_api_port, Some(9001));
    let of_endpoint = Settings { runtime_api_port: Some(port), ..open };
    let sender = Sender::resolving(&of_endpoint, tls()?, look_up)?;
    for host in ["127.0.0.1", "0x7f.1", "localhost", "runtime.example", "[::ffff:127.0.0.1]", "[::1]"] {
        let sent = send(&sender, &format!("http://{host}:{port}/2018-06-01/runtime/invocation/next")).await?;
        assert!(
            matches!(&sent, Sent::Unanswered { reason: FailedAttempt::NotAllowed, .. }),
            "{host}: {sent:?}"
        );
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
    Ok(())
}

/// An endpoint that speaks these protocols over TLS, its certificate, and which it came to speak.
async fn over_tls(
    protocols: &[&[u8]],
) -> Result<(u16, rustls::RootCertStore, Arc<Mutex<Vec<Version>>>), Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["endpoint.example".to_owned()])?;
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut server = server.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)?;
    server.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let spoken = Arc::new(Mutex::new(Vec::new()));
    let noted = spoken.clone();
    let note = move |request: axum::extract::Request| async move {
        noted.lock().unwrap().push(request.version());
        "ok"
    };
    let router = Router::new().route("/", post(note));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
            tokio::spawn(async move {
                let Ok(socket) = acceptor.accept(socket).await else { return };
                _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    Ok((port, roots, spoken))
}

#[tokio::test]
async fn http_2_and_http_1_1_are_spoken_as_the_endpoint_can() -> TestResult {
    for (protocols, version) in [
        (&[&b"h2"[..], b"http/1.1"][..], Version::HTTP_2),
        (&[b"http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let (port, roots, spoken) = over_tls(protocols).await?;
        let (look_up, _) = leading_to(vec![vec![Ipv4Addr::LOCALHOST.into()]]);
        let open = settings([("ALLOWED_CIDRS", "127.0.0.0/8")])?;
        let sender = Sender::resolving(&open, tls_trusting(roots)?, look_up)?;
        assert_eq!(status(&send(&sender, &format!("https://endpoint.example:{port}/")).await?), Some(200));
        assert_eq!(*spoken.lock().unwrap(), [version]);
    }
    Ok(())
}

#[tokio::test]
async fn a_certificate_of_nobody_or_of_another_name_is_no_connection() -> TestResult {
    let (port, roots, spoken) = over_tls(&[]).await?;
    let open = settings([("ALLOWED_CIDRS", "127.0.0.0/8")])?;
    for (host, tls) in [("endpoint.example", tls()?), ("other.example", tls_trusting(roots)?)] {
        let (look_up, _) = leading_to(vec![vec![Ipv4Addr::LOCALHOST.into()]]);
        let sender = Sender::resolving(&open, tls, look_up)?;
        let sent = send(&sender, &format!("https://{host}:{port}/")).await?;
        assert!(
            matches!(&sent, Sent::Unanswered { reason: FailedAttempt::NotConnected, .. }),
            "{host}: {sent:?}"
        );
    }
    assert!(spoken.lock().unwrap().is_empty());
    Ok(())
}
