//! The secret that an installation shares with Storehook to verify deliveries.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// A shared secret. Its UTF-8 bytes are the HMAC key of every signature.
///
/// `Debug` prints `***`, and there is no `Display`: the only ways to the value are
/// [`Self::key`] (to sign) and [`Self::reveal`] (to show it once, on installation or
/// rotation, and to store it).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SharedSecret(String);

/// The text cannot serve as a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a shared secret is 24 to 64 bytes long, as Standard Webhooks 1.0 asks")]
pub struct InvalidSecret;

impl SharedSecret {
    /// Takes a secret of 24 to 64 bytes, the key sizes that Standard Webhooks 1.0 allows.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        if (24..=64).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(InvalidSecret) }
    }

    /// The HMAC key.
    pub fn key(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The secret itself, for its owner's eyes and for the registry.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The same secret as Standard Webhooks libraries take it: `whsec_` and the key in base64.
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
