//! Apps' names.

use serde::{Deserialize, Serialize};

use crate::input::parsed_text::{text_conversions, text_display};

/// An API client. Webhooks belong to the app that registered them.
///
/// `[A-Za-z0-9_.-]{1,64}`. It has no `#`, because table keys are joined with `#`.
///
/// ```
/// use storehook_domain::installation::app::AppId;
///
/// assert!(AppId::parse("demo-app").is_ok());
/// assert!(AppId::parse("demo#app").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppId(String);

/// The text is no app's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an app's name must be 1 to 64 letters, digits, '_', '-' or '.'")]
pub struct InvalidAppId;

impl AppId {
    /// Reads an app's name.
    ///
    /// # Errors
    ///
    /// The name is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, InvalidAppId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAppId)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_conversions!(AppId, InvalidAppId);
text_display!(AppId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apps_name_is_a_short_plain_word() {
        for (text, is_valid) in
            [("demo-app", true), ("a.b_c-9", true), ("", false), ("a#b", false), ("a b", false), ("é", false)]
        {
            assert_eq!(AppId::parse(text).is_ok(), is_valid, "{text:?}");
        }
        assert_eq!(AppId::parse(&"a".repeat(65)), Err(InvalidAppId));
    }
}
