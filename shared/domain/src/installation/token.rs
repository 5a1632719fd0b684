//! Hashes of access tokens, and of the codes that stand for one: the panel's sessions and links.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of an installation's access token, in lower-case hexadecimal.
///
/// The token itself is shown once, when the app is installed, and stored nowhere. It has 256 random
/// bits, so to invert the plain hash is as hard as to guess the token. The timing of a look-up by
/// hash tells nothing about tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash(String);

impl TokenHash {
    /// Hashes a token.
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
