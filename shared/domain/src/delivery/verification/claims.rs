//! Signatures as people have them: 32 bytes, in the right encoding or in another.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, digest::CtOutput};
use sha2::Sha256;

use crate::delivery::verification::mistake::Mistake;

/// The bytes of a signature, and what is wrong with its encoding.
pub(super) struct Claim {
    pub(super) mac: CtOutput<Hmac<Sha256>>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Claim {
    /// Reads a signature; `None` if it is no 32 bytes in any known encoding.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let hexadecimal = text.strip_prefix("sha256=").unwrap_or(text);
        if let Some(mac) = hex_digest(hexadecimal.as_bytes()) {
            return Some(Self::new(mac, Some(Mistake::Hex)));
        }
        if let Ok(bytes) = STANDARD.decode(text) {
            return match bytes.as_slice().try_into() {
                Ok(mac) => Some(Self::new(mac, None)),
                Err(_) => Some(Self::new(hex_digest(&bytes)?, Some(Mistake::HexInBase64))),
            };
        }
        let other = [URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD];
        let bytes = other.iter().find_map(|encoding| encoding.decode(text).ok())?;
        Some(Self::new(bytes.as_slice().try_into().ok()?, Some(Mistake::OtherBase64)))
    }

    /// Reads the signatures of `webhook-signature`: `v1,<base64>`, separated by spaces.
    pub(super) fn versioned(value: &str) -> impl Iterator<Item = Option<Self>> {
        value.split_ascii_whitespace().map(|part| match part.strip_prefix("v1,") {
            Some(text) => Self::parse(text),
            None => Self::parse(part).map(|mut claim| {
                claim.mistakes.insert(0, Mistake::NoVersion);
                claim
            }),
        })
    }

    fn new(mac: [u8; 32], mistake: Option<Mistake>) -> Self {
        Self { mac: CtOutput::new(mac.into()), mistakes: mistake.into_iter().collect() }
    }
}

fn hex_digest(text: &[u8]) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok().map(|()| digest)
}
