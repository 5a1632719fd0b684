//! The HTTP client of the commands that talk to endpoints and to the admin API.
//!
//! It trusts the public roots, as deliveries do, follows no redirects and ignores proxies from the
//! environment: what it finds out about an endpoint then holds for deliveries, too.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
};

/// The public roots: Mozilla's, from the crate webpki-roots.
pub fn public_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS versions and roots do not work together.
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
    /// There are no roots to trust.
    #[error("no roots to trust")]
    Roots(#[from] rustls::client::VerifierBuilderError),
    /// The client refused its settings.
    #[error("the HTTP client could not be set up")]
    Client(#[from] reqwest::Error),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What verifies a server's certificate by these roots.
///
/// # Errors
///
/// There are no roots.
pub fn verifier(roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>, ClientError> {
    Ok(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()?)
}

/// A client whose requests take so long at most. A verifier judges the certificates.
///
/// # Errors
///
/// See [`ClientError`].
pub fn client_with(
    verifier: Arc<dyn ServerCertVerifier>,
    connect_timeout: Duration,
    timeout: Duration,
) -> Result<Client, ClientError> {
    let versions = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let verified = versions.dangerous().with_custom_certificate_verifier(verifier);
    let mut tls = verified.with_no_client_auth();
    tls.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).to_vec();
    let builder = Client::builder().tls_backend_preconfigured(tls).no_proxy().redirect(Policy::none());
    Ok(builder.connect_timeout(connect_timeout).timeout(timeout).build()?)
}

/// A client that trusts the public roots.
///
/// # Errors
///
/// See [`ClientError`].
pub fn client(timeout: Duration) -> Result<Client, ClientError> {
    client_with(verifier(public_roots())?, Duration::from_secs(10).min(timeout), timeout)
}
