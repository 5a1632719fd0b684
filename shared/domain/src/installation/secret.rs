//! Shared secrets.
//!
//! An app and Storehook share a secret: Storehook signs deliveries with it, and the app verifies
//! them. A secret must never appear in a log, so the type hides it from `Debug`.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// A shared secret. Its UTF-8 bytes are the HMAC key of every signature.
///
/// `Debug` prints `***`, and there is no `Display`. Two methods give the value away:
/// [`Self::key`], to sign, and [`Self::reveal`], to store it and to show it once, on installation
/// or rotation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SharedSecret(String);

/// The text is too short or too long for a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a shared secret must be 24 to 64 bytes long (Standard Webhooks 1.0)")]
pub struct InvalidSecret;

impl SharedSecret {
    /// Takes a secret of 24 to 64 bytes, the key sizes that Standard Webhooks 1.0 allows.
    ///
    /// ```
    /// use storehook_domain::installation::secret::SharedSecret;
    ///
    /// assert!(SharedSecret::parse("0123456789abcdef01234567").is_ok());
    /// assert!(SharedSecret::parse("too short").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// The secret is shorter or longer.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        if (24..=64).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(InvalidSecret) }
    }

    /// The HMAC key.
    pub fn key(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The secret itself, to show to its owner and to store in the registry.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The secret as Standard Webhooks libraries take it: `whsec_` and the key in base64.
    pub fn reveal_standard(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.key()))
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl TryFrom<String> for SharedSecret {
    type Error = InvalidSecret;

    fn try_from(text: String) -> Result<Self, InvalidSecret> {
        Self::parse(&text)
    }
}

impl From<SharedSecret> for String {
    fn from(secret: SharedSecret) -> Self {
        secret.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_stars_wherever_the_secret_is_nested() {
        let secret = SharedSecret::parse("0123456789abcdef01234567");
        assert_eq!(format!("{secret:?}"), "Ok(***)");
    }

    #[test]
    fn the_standard_form_is_the_base64_of_the_same_bytes() {
        let secret = SharedSecret::parse("0123456789abcdef01234567");
        let standard = secret.map(|secret| secret.reveal_standard());
        assert_eq!(standard, Ok("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3".to_owned()));
    }

    #[test]
    fn secrets_shorter_or_longer_than_the_standard_allows_are_refused() {
        for (length, is_valid) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(SharedSecret::parse(&"x".repeat(length)).is_ok(), is_valid, "{length}");
        }
    }
}
