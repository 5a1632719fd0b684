//! The certificate of an endpoint: what it says, and whether deliveries trust it.
//!
//! A [`Noting`] verifier stands before the usual one. It keeps what the server showed, so the
//! certificate can be told of even where it is refused.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

/// What is known of an endpoint's certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// When it expires; `None` if it cannot be read.
    pub expires_at: Option<Timestamp>,
    /// The host names that it is for.
    pub names: Vec<String>,
    /// Why deliveries refuse it, if they do.
    pub refusal: Option<CertificateError>,
}

/// A verifier that keeps the certificate and the verdict.
#[derive(Debug)]
pub struct Noting {
    verifier: Arc<dyn ServerCertVerifier>,
    seen: Mutex<Option<Certificate>>,
}

impl Noting {
    /// Judges as this verifier does.
    pub fn new(verifier: Arc<dyn ServerCertVerifier>) -> Arc<Self> {
        Arc::new(Self { verifier, seen: Mutex::new(None) })
    }

    /// The certificate of the last handshake, if there was one.
    pub fn seen(&self) -> Option<Certificate> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Certificate {
    fn read(der: &[u8], refusal: Option<CertificateError>) -> Self {
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            return Self { expires_at: None, names: Vec::new(), refusal };
        };
        let expires_at = Timestamp::from_second(certificate.validity().not_after.timestamp()).ok();
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let dns = |name: &GeneralName<'_>| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        };
        Self { expires_at, names: names.iter().filter_map(dns).collect(), refusal }
    }
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let refusal = match &verdict {
            Ok(_) => None,
            Err(Error::InvalidCertificate(error)) => Some(error.clone()),
            Err(_) => Some(CertificateError::ApplicationVerificationFailure),
        };
        let seen = Certificate::read(end_entity, refusal);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Result;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use rustls::RootCertStore;

    use super::*;
    use crate::http_client::verifier;

    #[test]
    fn a_certificate_is_told_of_whether_it_is_trusted_or_not() -> Result<()> {
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_790_000_000));
        let names = ["hooks.example".to_owned(), "www.example".to_owned()];
        for (until, asked, is_trusted, is_refused) in [
            (2030, "hooks.example", true, false),
            (2020, "hooks.example", true, true),
            (2030, "other.example", true, true),
            (2030, "hooks.example", false, true),
        ] {
            let mut parameters = CertificateParams::new(names.clone())?;
            parameters.not_after = date_time_ymd(until, 1, 1);
            let certificate = parameters.self_signed(&KeyPair::generate()?)?.der().clone();
            let mut roots = RootCertStore::empty();
            if is_trusted {
                roots.add(certificate.clone())?;
            } else {
                roots.extend(crate::http_client::public_roots().roots);
            }
            let noting = Noting::new(verifier(roots)?);
            assert_eq!(noting.seen(), None);
            let verdict = noting.verify_server_cert(&certificate, &[], &asked.try_into()?, &[], now);
            assert_eq!(verdict.is_err(), is_refused, "{until} {asked} {is_trusted}");
            let seen = noting.seen();
            let seen = seen.as_ref();
            assert_eq!(seen.map(|seen| &seen.names[..]), Some(&names[..]));
            assert_eq!(
                seen.and_then(|seen| seen.expires_at),
                Some(format!("{until}-01-01T00:00:00Z").parse()?)
            );
            assert_eq!(seen.is_some_and(|seen| seen.refusal.is_some()), is_refused);
        }
        assert_eq!(Certificate::read(b"none", None).names, Vec::<String>::new());
        Ok(())
    }
}
