//! The platform, as deliveries show it: how its header names begin, and the version of its API.

use crate::{
    input::parsed_text::{text_conversions, text_display},
    webhook::header_prefix::HeaderPrefix,
};

/// What the operator chose for all deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platform {
    /// What the names of its own headers begin with.
    pub header_prefix: HeaderPrefix,
    /// The version of its API.
    pub api_version: ApiVersion,
}

/// The version of the platform's API that payloads have. It is only told: receivers of this family
/// of webhooks expect one, and some refuse deliveries without.
///
/// ```
/// use storehook_domain::delivery::request::platform::ApiVersion;
///
/// assert!(ApiVersion::parse("2026-10").is_ok());
/// assert!(ApiVersion::parse("2026 10").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiVersion(String);

/// The text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a version must be 1 to 32 letters, digits, '-', '_' or '.'")]
pub struct InvalidApiVersion;

impl ApiVersion {
    /// Reads a version.
    ///
    /// # Errors
    ///
    /// The text is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, InvalidApiVersion> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_valid = (1..=32).contains(&text.len()) && text.bytes().all(allowed);
        is_valid.then(|| Self(text.to_owned())).ok_or(InvalidApiVersion)
    }

    /// The version as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self("2026-10".to_owned())
    }
}

text_conversions!(ApiVersion, InvalidApiVersion);
text_display!(ApiVersion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_short_word() {
        let long = "1".repeat(32);
        for (text, is_valid) in [
            ("2026-10", true),
            ("unstable", true),
            ("v1.2_3", true),
            (&long, true),
            (&format!("{long}1"), false),
            ("", false),
            ("1 2", false),
            ("1\r\nX-Evil: 1", false),
        ] {
            assert_eq!(ApiVersion::parse(text).is_ok(), is_valid, "{text:?}");
        }
    }
}
