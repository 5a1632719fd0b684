//! The doctor at an endpoint with TLS.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{RootCertStore, ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::{checks::verdict::Verdict, *};

/// An endpoint that responds with 200 to everything, with a certificate for `localhost` until this
/// year: its port, and the roots that trust it.
async fn endpoint(until: i32) -> Result<(u16, RootCertStore)> {
    let mut parameters = CertificateParams::new(["localhost".to_owned()])?;
    parameters.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?.der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let server = server.with_safe_default_protocol_versions()?.with_no_client_auth();
    let server =
        server.with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key.serialize_der().into()))?;
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("localhost:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(socket).await?;
                let (mut request, mut chunk) = (Vec::new(), [0; 16 * 1024]);
                while !request.ends_with(b"}") {
                    match stream.read(&mut chunk).await? {
                        0 => break,
                        length => request.extend_from_slice(&chunk[..length]),
                    }
                }
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .await?;
                stream.shutdown().await
            });
        }
    });
    Ok((port, roots))
}

async fn examined(port: u16, roots: RootCertStore) -> Result<Vec<(&'static str, Verdict, String)>> {
    let address = format!("https://localhost:{port}/hook").parse()?;
    let secret = SharedSecret::parse(&"s".repeat(32))?;
    let diagnosis = examine(address, secret, Shape::default(), Duration::from_secs(30), roots).await?;
    assert!(diagnosis.is_wrong());
    Ok(diagnosis.checks.into_iter().map(|check| (check.name, check.verdict, check.found)).collect())
}

#[tokio::test]
async fn a_certificate_is_told_with_its_names_and_its_end() -> Result<()> {
    let (port, roots) = endpoint(2999).await?;
    let checks = examined(port, roots).await?;
    let (name, verdict, found) = &checks[1];
    assert_eq!((*name, *verdict), ("certificate", Verdict::Ok), "{found}");
    assert!(found.starts_with("for localhost, expires 2999-01-01, in "), "{found}");
    assert_eq!((checks[2].0, checks[2].1), ("right signature", Verdict::Ok), "{}", checks[2].2);
    assert_eq!((checks[5].0, checks[5].1), ("wrong signature", Verdict::Wrong));
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_deliveries_refuse_is_wrong_and_told_all_the_same() -> Result<()> {
    let (expired, trusted) = endpoint(2001).await?;
    let (unknown, _) = endpoint(2999).await?;
    for (port, roots, told) in
        [(expired, trusted, "expires 2001-01-01"), (unknown, public_roots(), "expires 2999-01-01")]
    {
        let checks = examined(port, roots).await?;
        let (name, verdict, found) = &checks[1];
        assert_eq!((*name, *verdict), ("certificate", Verdict::Wrong), "{found}");
        assert!(found.starts_with(&format!("for localhost, {told}: ")), "{found}");
        let (name, verdict, found) = &checks[2];
        assert_eq!((*name, *verdict), ("right signature", Verdict::Wrong), "{found}");
        assert!(checks[4..].iter().all(|(_, verdict, _)| *verdict == Verdict::Skipped), "{checks:?}");
    }
    Ok(())
}
