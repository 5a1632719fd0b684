//! Tests of the reasons of failed attempts.

use std::io::ErrorKind;

use dns_lookup::LookupErrorKind;

use super::{failure::Failure, guard::NoAddress, *};

/// The result of an attempt over TLS at an endpoint with this certificate. The sender trusts these
/// roots, or the endpoint's own.
async fn send_over_tls(
    host: &str,
    change: impl FnOnce(&mut rcgen::CertificateParams),
    roots: Option<RootCertStore>,
) -> Result<Result<u16, FailedAttempt>, Box<dyn Error>> {
    let (acceptor, its_own) = tls_of(change, &[])?;
    let endpoint = Endpoint::serving(move |_, socket| {
        let acceptor = acceptor.clone();
        async move {
            let mut socket = acceptor.accept(socket).await?;
            _ = socket.read(&mut [0; 4096]).await?;
            socket.write_all(OK.as_bytes()).await
        }
    });
    let port = endpoint.await?.address.port();
    send(&sender_trusting(roots.unwrap_or(its_own), LONG)?, &format!("https://{host}:{port}/")).await
}

#[tokio::test]
async fn each_invalid_certificate_has_its_own_reason() -> TestResult {
    let valid = |_: &mut rcgen::CertificateParams| {};
    assert_eq!(send_over_tls("endpoint.example", valid, None).await?, Ok(200));

    let expired = |certificate: &mut rcgen::CertificateParams| {
        certificate.not_after = rcgen::date_time_ymd(2001, 1, 1);
    };
    let outcome = send_over_tls("endpoint.example", expired, None).await?;
    assert_eq!(outcome, Err(FailedAttempt::CertificateExpired));

    let early = |certificate: &mut rcgen::CertificateParams| {
        certificate.not_before = rcgen::date_time_ymd(2999, 1, 1);
    };
    let outcome = send_over_tls("endpoint.example", early, None).await?;
    assert_eq!(outcome, Err(FailedAttempt::CertificateNotYetValid));

    let outcome = send_over_tls("other.example", valid, None).await?;
    assert_eq!(outcome, Err(FailedAttempt::CertificateOfAnotherName));
    let outcome = send_over_tls("127.0.0.1", valid, None).await?;
    assert_eq!(outcome, Err(FailedAttempt::CertificateOfAnotherName));

    let (_, others) = tls_of(valid, &[])?;
    let outcome = send_over_tls("endpoint.example", valid, Some(others)).await?;
    assert_eq!(outcome, Err(FailedAttempt::CertificateNotTrusted));
    Ok(())
}

#[tokio::test]
async fn a_port_without_tls_differs_from_a_failed_handshake() -> TestResult {
    let endpoint = Endpoint::answering("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await?;
    let outcome = send(&sender(LONG)?, &format!("https://{}/", endpoint.address)).await?;
    assert_eq!(outcome, Err(FailedAttempt::NoTls));

    let hangs_up =
        Endpoint::serving(|_, mut socket| async move { socket.read(&mut [0; 4096]).await.map(drop) });
    let outcome = send(&sender(LONG)?, &format!("https://{}/", hangs_up.await?.address)).await?;
    assert_eq!(outcome, Err(FailedAttempt::TlsFailed));
    Ok(())
}

#[tokio::test]
async fn a_port_with_tls_gives_no_valid_response_over_plain_http() -> TestResult {
    let (acceptor, _) = tls_of(|_| {}, &[])?;
    let endpoint = Endpoint::serving(move |_, socket| {
        let acceptor = acceptor.clone();
        async move { acceptor.accept(socket).await.map(drop) }
    });
    let outcome = send(&sender(LONG)?, &endpoint.await?.url()).await?;
    assert_eq!(outcome, Err(FailedAttempt::ResponseMalformed));
    Ok(())
}

#[tokio::test]
async fn a_closed_port_refuses_the_connection() -> TestResult {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    drop(listener);
    assert_eq!(send(&sender(LONG)?, &url).await?, Err(FailedAttempt::ConnectionRefused));
    Ok(())
}

#[tokio::test]
async fn connections_closed_and_reset_before_the_response_differ() -> TestResult {
    for (is_reset, expected) in
        [(false, FailedAttempt::ConnectionClosed), (true, FailedAttempt::ConnectionReset)]
    {
        let endpoint = Endpoint::serving(move |_, mut socket| async move {
            if is_reset {
                socket.set_zero_linger()?;
            }
            socket.read(&mut [0; 4096]).await.map(drop)
        });
        let (endpoint, sender) = (endpoint.await?, sender(LONG)?);
        for attempt in 1..=3 {
            assert_eq!(send(&sender, &endpoint.url()).await?, Err(expected.clone()));
            assert_eq!(endpoint.connections(), attempt, "one POST for each");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_name_without_an_address_is_not_resolved() -> TestResult {
    // A label of 64 letters is not a valid name (RFC 1035), so no server is asked.
    let outcome = send(&sender(LONG)?, &format!("http://{}.example/", "a".repeat(64))).await?;
    assert_eq!(outcome, Err(FailedAttempt::NotResolved));
    Ok(())
}

#[tokio::test]
async fn a_failed_look_up_differs_from_a_name_without_an_address() -> TestResult {
    for (kind, reason) in [
        (LookupErrorKind::NoName, FailedAttempt::NotResolved),
        (LookupErrorKind::NoData, FailedAttempt::NotResolved),
        (LookupErrorKind::Again, FailedAttempt::LookUpFailed),
        (LookupErrorKind::Fail, FailedAttempt::LookUpFailed),
        (LookupErrorKind::System, FailedAttempt::LookUpFailed),
    ] {
        let look_up: LookUp = Arc::new(move |_| {
            Box::pin(async move { Err(NoAddress::of(kind, io::Error::other("a cause for the log"))) })
        });
        let sender = Sender::with(&open(LONG)?, Tls::public()?, look_up);
        assert_eq!(send(&sender, "http://endpoint.example/").await?, Err(reason), "{kind:?}");
    }
    Ok(())
}

/// An endpoint whose queue of connections is full accepts no more, and does not say so.
#[tokio::test]
async fn a_connection_that_is_not_accepted_runs_into_the_connect_timeout() -> TestResult {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind("127.0.0.1:0".parse()?)?;
    let listener = socket.listen(1)?;
    let address = listener.local_addr()?;
    let mut waiting = Vec::new();
    // Fills the system's queue. A connection beyond the queue would wait for minutes.
    while let Ok(Ok(connection)) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(connection);
    }
    let quick = Settings { connect_timeout: SHORT, ..open(LONG)? };
    let outcome = send(&Sender::new(&quick)?, &format!("http://{address}/")).await?;
    assert_eq!(outcome, Err(FailedAttempt::ConnectTimedOut));
    Ok(())
}

/// Errors that no socket on loopback reports.
#[test]
fn each_connection_error_of_the_system_has_its_reason() {
    for (kind, reason) in [
        (ErrorKind::HostUnreachable, FailedAttempt::Unreachable),
        (ErrorKind::NetworkUnreachable, FailedAttempt::Unreachable),
        (ErrorKind::TimedOut, FailedAttempt::ConnectTimedOut),
        (ErrorKind::ConnectionReset, FailedAttempt::ConnectionReset),
        (ErrorKind::AddrNotAvailable, FailedAttempt::NotConnected),
    ] {
        assert_eq!(Failure::Connect(io::Error::from(kind).into()).reason(), reason);
    }
    assert_eq!(Failure::Tls(ErrorKind::ConnectionReset.into()).reason(), FailedAttempt::ConnectionReset);
}
