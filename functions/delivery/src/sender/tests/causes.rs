//! Tests of what a failed attempt says of its cause.

use std::io::ErrorKind;

use super::{failure::Failure, *};

/// What an attempt over TLS comes to, at an endpoint with this certificate, by these roots or its own.
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
async fn a_certificate_is_told_to_be_expired_early_untrusted_or_of_another_name() -> TestResult {
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
async fn tls_to_a_port_that_does_not_speak_it_is_told_so() -> TestResult {
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
async fn a_closed_port_refuses_the_connection() -> TestResult {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    drop(listener);
    assert_eq!(send(&sender(LONG)?, &url).await?, Err(FailedAttempt::ConnectionRefused));
    Ok(())
}

#[tokio::test]
async fn a_connection_that_ends_before_the_response_was_closed_or_reset() -> TestResult {
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
async fn a_name_without_an_address_is_told_so() -> TestResult {
    // A label of 64 letters is no name (RFC 1035), so nobody is asked for it.
    let outcome = send(&sender(LONG)?, &format!("http://{}.example/", "a".repeat(64))).await?;
    assert_eq!(outcome, Err(FailedAttempt::NotResolved));
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
    while let Ok(Ok(connection)) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(connection);
    }
    let quick = Settings { connect_timeout: SHORT, ..open(LONG)? };
    let outcome = send(&Sender::new(&quick)?, &format!("http://{address}/")).await?;
    assert_eq!(outcome, Err(FailedAttempt::ConnectTimedOut));
    Ok(())
}

/// What no socket on loopback says.
#[test]
fn what_the_system_says_of_a_connection_has_its_reason() {
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
