//! TLS: versions 1.2 and 1.3 on ring, with the public roots.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio_rustls::TlsConnector;

const HTTP_2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// The configurations of TLS connections.
pub(super) struct Tls {
    /// Offers HTTP/2 and HTTP/1.1.
    pub(super) either: TlsConnector,
    /// Offers HTTP/1.1 alone, to hosts that asked for it.
    pub(super) http1: TlsConnector,
}

impl Tls {
    /// Mozilla's roots, from the crate webpki-roots. They were parsed at build time, so they cost
    /// no time at a cold start.
    pub(super) fn public() -> Result<Self, rustls::Error> {
        Self::trusting(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
    }

    /// These roots.
    pub(super) fn trusting(roots: RootCertStore) -> Result<Self, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = versions.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        let http1 = TlsConnector::from(Arc::new(config.clone()));
        config.alpn_protocols.insert(0, HTTP_2.to_vec());
        Ok(Self { either: TlsConnector::from(Arc::new(config)), http1 })
    }
}

/// Whether a connection speaks HTTP/2.
pub(super) fn speaks_http2<Io>(stream: &tokio_rustls::client::TlsStream<Io>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP_2)
}
