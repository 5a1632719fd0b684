//! Signatures: how a receiver knows that Storehook sent a delivery.
//!
//! Two schemes sign every attempt, with the same key: the shared secret's UTF-8 bytes.
//!
//! * The scheme of the platform's family signs the body alone.
//! * Standard Webhooks 1.0 signs the delivery's id, the attempt's time and the body. Its libraries
//!   take the key as `whsec_` and base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::installation::secret::SharedSecret;

/// The value of `X-Spiffy-Stores-HMAC-SHA256`: base64(HMAC-SHA256(secret, body)).
pub fn body_signature(secret: &SharedSecret, body: &[u8]) -> String {
    STANDARD.encode(hmac(secret, &[body]))
}

/// The value of `webhook-signature`: `v1,<base64>` for each secret, separated by spaces, over
/// `<id>.<unix seconds>.<body>` (Standard Webhooks 1.0, "Signature scheme").
pub fn standard_signatures<'a>(
    secrets: impl IntoIterator<Item = &'a SharedSecret>,
    id: &str,
    attempted_at: Timestamp,
    body: &[u8],
) -> String {
    let head = format!("{id}.{}.", attempted_at.as_second());
    let signatures = secrets
        .into_iter()
        .map(|secret| format!("v1,{}", STANDARD.encode(hmac(secret, &[head.as_bytes(), body]))));
    signatures.collect::<Vec<_>>().join(" ")
}

/// Whether a value of `X-Spiffy-Stores-HMAC-SHA256` is the signature of this body. The comparison
/// takes constant time.
///
/// ```
/// use storehook_domain::{
///     delivery::signature::{body_signature, verify_body_signature},
///     installation::secret::SharedSecret,
/// };
///
/// let secret = SharedSecret::parse("0123456789abcdef01234567")?;
/// let header = body_signature(&secret, b"{}");
/// assert!(verify_body_signature(&secret, b"{}", &header));
/// assert!(!verify_body_signature(&secret, b"{ }", &header));
/// # Ok::<_, storehook_domain::installation::secret::InvalidSecret>(())
/// ```
pub fn verify_body_signature(secret: &SharedSecret, body: &[u8], header: &str) -> bool {
    STANDARD.decode(header).is_ok_and(|signature| mac(secret, &[body]).verify_slice(&signature).is_ok())
}

/// Whether a value of `webhook-signature` has a signature of this body, with the values of
/// `webhook-id` and `webhook-timestamp` beside it. The receiver decides how old a timestamp may be.
///
/// ```
/// use storehook_domain::{
///     delivery::signature::{standard_signatures, verify_standard_signatures},
///     installation::secret::SharedSecret,
/// };
///
/// let secret = SharedSecret::parse("0123456789abcdef01234567")?;
/// let header = standard_signatures([&secret], "7-e1", jiff::Timestamp::UNIX_EPOCH, b"{}");
/// assert!(verify_standard_signatures(&secret, "7-e1", "0", b"{}", &header));
/// assert!(!verify_standard_signatures(&secret, "7-e1", "1", b"{}", &header));
/// # Ok::<_, storehook_domain::installation::secret::InvalidSecret>(())
/// ```
pub fn verify_standard_signatures(
    secret: &SharedSecret,
    id: &str,
    timestamp: &str,
    body: &[u8],
    header: &str,
) -> bool {
    let head = format!("{id}.{timestamp}.");
    let signatures = header.split(' ').filter_map(|part| STANDARD.decode(part.strip_prefix("v1,")?).ok());
    signatures
        .map(|signature| mac(secret, &[head.as_bytes(), body]).verify_slice(&signature))
        .any(|result| result.is_ok())
}

fn hmac(secret: &SharedSecret, parts: &[&[u8]]) -> [u8; 32] {
    mac(secret, parts).finalize().into_bytes().into()
}

fn mac(secret: &SharedSecret, parts: &[&[u8]]) -> Hmac<Sha256> {
    mac_of(secret.key(), parts)
}

/// The HMAC with any key at all: receivers use wrong ones, too.
#[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
pub(crate) fn mac_of(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key will do");
    for part in parts {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn the_body_signature_is_plain_hmac_sha_256() -> TestResult {
        // RFC 4231, test case 4: its key (bytes 0x01 to 0x19) is valid UTF-8 and as long as a
        // secret.
        let key: String = (1u8..=0x19).map(char::from).collect();
        let secret = SharedSecret::parse(&key)?;
        let expected = [
            0x82, 0x55, 0x8a, 0x38, 0x9a, 0x44, 0x3c, 0x0e, 0xa4, 0xcc, 0x81, 0x98, 0x99, 0xf2, 0x08, 0x3a,
            0x85, 0xf0, 0xfa, 0xa3, 0xe5, 0x78, 0xf8, 0x07, 0x7a, 0x2e, 0x3f, 0xf4, 0x67, 0x29, 0x66, 0x5b,
        ];
        // Its data is 0xcd fifty times: no text, but a body.
        assert_eq!(body_signature(&secret, &[0xcd; 50]), STANDARD.encode(expected));
        Ok(())
    }

    #[test]
    fn every_given_secret_signs_the_standard_header() -> TestResult {
        let secrets = [SharedSecret::parse(&"a".repeat(24))?, SharedSecret::parse(&"b".repeat(24))?];
        let at = Timestamp::from_second(1_614_265_330)?;
        let header = standard_signatures(&secrets, "7-e1", at, b"{}");
        let signed: Vec<_> = secrets
            .iter()
            .map(|secret| format!("v1,{}", body_signature(secret, b"7-e1.1614265330.{}")))
            .collect();
        assert_eq!(header, signed.join(" "));
        Ok(())
    }

    /// The reference is `standardwebhooks` 1.0 for Python, with this secret's `whsec_` form.
    #[test]
    fn the_standard_signature_equals_the_reference_librarys() -> TestResult {
        let secret = SharedSecret::parse("0123456789abcdef0123456789abcdef")?;
        assert_eq!(secret.reveal_standard(), "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        let header = standard_signatures(
            &[secret],
            "7-e1",
            Timestamp::from_second(1_614_265_330)?,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(header, "v1,UxYTSt11DO0B43ZoF6ymRs7wBUBM/EFzcdUwyHUQrj8=");
        Ok(())
    }

    #[test]
    fn only_the_signed_body_with_the_signing_secret_verifies() -> TestResult {
        let (ours, other) = (SharedSecret::parse(&"a".repeat(24))?, SharedSecret::parse(&"b".repeat(24))?);
        let body_header = body_signature(&ours, b"{}");
        let at = Timestamp::from_second(7)?;
        let standard_header = standard_signatures(&[other.clone(), ours.clone()], "7-e1", at, b"{}");
        for (secret, body, is_valid) in [(&ours, &b"{}"[..], true), (&ours, b"{ }", false)] {
            assert_eq!(verify_body_signature(secret, body, &body_header), is_valid);
            assert_eq!(verify_standard_signatures(secret, "7-e1", "7", body, &standard_header), is_valid);
        }
        assert!(!verify_body_signature(&other, b"{}", &body_header));
        assert!(
            verify_standard_signatures(&other, "7-e1", "7", b"{}", &standard_header),
            "a rotation's second secret"
        );
        assert!(!verify_standard_signatures(&ours, "7-e2", "7", b"{}", &standard_header));
        assert!(!verify_standard_signatures(&ours, "7-e1", "8", b"{}", &standard_header));
        assert!(
            !verify_body_signature(&ours, b"{}", "###")
                && !verify_standard_signatures(&ours, "", "", b"", "v1,")
        );
        Ok(())
    }
}
