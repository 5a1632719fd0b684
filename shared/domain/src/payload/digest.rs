//! Payloads' digests.

use sha2::{Digest as _, Sha256};

use crate::{
    input::parsed_text::{text_conversions, text_display},
    payload::Payload,
};

/// The first half of a payload's SHA-256, in hexadecimal.
///
/// The history stores payloads by event id and digest. So if two events were published under one
/// id, their payloads do not overwrite each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PayloadDigest(String);

/// The text is no payload's digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a payload's digest must be 32 hexadecimal digits, in lower case")]
pub struct InvalidPayloadDigest;

impl PayloadDigest {
    /// The digest of a payload. It is taken from the text in messages, [`Payload::in_message`].
    pub fn of(payload: Payload<'_>) -> Self {
        Self::of_text(&payload.in_message())
    }

    /// The digest of a payload's text in messages.
    pub fn of_text(text: &str) -> Self {
        Self(hex::encode(&Sha256::digest(text.as_bytes())[..16]))
    }

    /// Reads a digest.
    ///
    /// # Errors
    ///
    /// The text is not 32 hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidPayloadDigest> {
        is_half_sha256(text).then(|| Self(text.to_owned())).ok_or(InvalidPayloadDigest)
    }

    /// The digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is 32 hexadecimal digits in lower case.
pub(super) fn is_half_sha256(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

text_conversions!(PayloadDigest, InvalidPayloadDigest);
text_display!(PayloadDigest);

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn the_digest_is_taken_from_the_text_in_messages() -> serde_json::Result<()> {
        let raw: [&RawValue; 3] = [
            serde_json::from_str("{\"a\": \"\u{ffff}\"}")?,
            serde_json::from_str(r#"{"a": "\uffff"}"#)?,
            serde_json::from_str(r#"{"a":"\uffff"}"#)?,
        ];
        let [plain, escaped, other] = raw.map(|raw| PayloadDigest::of(Payload::new_checked(raw)));
        assert_eq!(plain, escaped);
        assert_ne!(escaped, other);
        assert_eq!(PayloadDigest::parse(plain.as_str()).as_ref(), Ok(&plain));
        for text in ["", "0", &"g".repeat(32), &"A".repeat(32), &"a".repeat(33)] {
            assert_eq!(PayloadDigest::parse(text), Err(InvalidPayloadDigest), "{text}");
        }
        Ok(())
    }
}
