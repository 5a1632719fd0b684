//! Hashes of access tokens, and of the codes that stand for one: the panel's sessions and links.
//!
//! Whoever is not admitted must cost little. So a text that can be no token or code by its shape
//! has no hash to look up, and is refused without a read.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of an installation's access token, in lower-case hexadecimal.
///
/// The token itself is shown once, when the app is installed, and stored nowhere. It has 256 random
/// bits, so to invert the plain hash is as hard as to guess the token. The timing of a look-up by
/// hash tells nothing about tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash(String);

/// What every token begins with.
const TOKEN_PREFIX: &str = "shtk_";

/// The longest token, with its prefix. `storehook install` makes tokens of 48 characters.
const TOKEN_LIMIT: usize = 128;

/// How many characters 256 random bits have in base64.
const CODE_LENGTH: usize = 43;

impl TokenHash {
    /// Hashes what a client gives as its token; `None` if it can be none: a token is `shtk_` and
    /// letters, digits, '-' or '_', 128 characters at most.
    ///
    /// ```
    /// use storehook_domain::installation::token::TokenHash;
    ///
    /// assert!(TokenHash::of_token("shtk_local_demo").is_some());
    /// assert!(TokenHash::of_token("password").is_none());
    /// ```
    pub fn of_token(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(TOKEN_PREFIX)?;
        (!rest.is_empty() && text.len() <= TOKEN_LIMIT && is_url_safe(rest)).then(|| Self::of(text))
    }

    /// Hashes what a browser gives as a session's id or a link's code; `None` if it can be none:
    /// either has 43 letters, digits, '-' or '_'.
    pub fn of_code(text: &str) -> Option<Self> {
        (text.len() == CODE_LENGTH && is_url_safe(text)).then(|| Self::of(text))
    }

    /// Hashes a token or a code that was just made.
    pub fn of(token: &str) -> Self {
        Self(hex::encode(Sha256::digest(token.as_bytes())))
    }

    /// Reads what [`Self::as_str`] returned.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (digits.len() == 64 && digits.bytes().all(is_digit)).then(|| Self(digits.to_owned()))
    }

    /// The 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_url_safe(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_plain_sha_256() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(TokenHash::of("abc").as_str(), expected);
    }

    #[test]
    fn what_cannot_be_a_token_or_a_code_has_no_hash() {
        let random = "q8Zr-3nPq_0aVbXcYdZe1f2G3h4I5j6K7l8M9n0O1pQ";
        let token = format!("shtk_{random}");
        let longest = format!("shtk_{}", "a".repeat(123));
        for (text, is_token, is_code) in [
            (token.as_str(), true, false),
            ("shtk_local_demo", true, false),
            (&longest, true, false),
            (random, false, true),
            (&format!("{longest}a"), false, false),
            (&"a".repeat(10 * 1024), false, false),
            (&format!("shtk_{}", "a".repeat(10 * 1024)), false, false),
            ("shtk_", false, false),
            ("SHTK_a", false, false),
            (" shtk_a", false, false),
            ("shtk_a b", false, false),
            ("shtk_a#b", false, false),
            ("shtk_é", false, false),
            (&random[1..], false, false),
            (&random.replace('-', "+"), false, false),
            ("", false, false),
        ] {
            assert_eq!(TokenHash::of_token(text), is_token.then(|| TokenHash::of(text)), "{text}");
            assert_eq!(TokenHash::of_code(text), is_code.then(|| TokenHash::of(text)), "{text}");
        }
    }

    #[test]
    fn a_hash_reads_back_from_64_lower_case_digits() {
        let hash = TokenHash::of("abc");
        assert_eq!(TokenHash::from_hex(hash.as_str()), Some(hash.clone()));
        for malformed in ["", &hash.as_str()[1..], &hash.as_str().to_uppercase(), &"g".repeat(64)] {
            assert_eq!(TokenHash::from_hex(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn debug_does_not_show_the_hash() {
        assert_eq!(format!("{:?}", TokenHash::of("abc")), "TokenHash(***)");
    }
}
