//! Candidates: signatures that somebody may have made.

use hmac::{Hmac, Mac as _, digest::CtOutput};
use sha2::Sha256;

use crate::delivery::{
    signature::mac_of,
    verification::{
        keys::Key,
        mistake::{Mistake, Signer},
    },
};

/// What a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// The id, the timestamp and the body.
    Standard,
    /// The body alone.
    Body,
}

/// A signature that somebody may have made.
pub(super) struct Candidate {
    pub(super) mac: CtOutput<Hmac<Sha256>>,
    pub(super) content: Content,
    pub(super) by: Signer,
    pub(super) mistake: Option<Mistake>,
}

impl Candidate {
    /// The signatures of a body with a key: over the body alone, and over this head
    /// (`id.timestamp.`) as well. `change` is what became of the body.
    pub(super) fn of(key: &Key, head: Option<&str>, body: &str, change: Option<Mistake>) -> Vec<Self> {
        let standard = head.map(|head| (Content::Standard, head));
        let contents = standard.into_iter().chain([(Content::Body, "")]);
        let candidates = contents.map(|(content, head)| Self {
            mac: mac_of(&key.bytes, &[head.as_bytes(), body.as_bytes()]).finalize(),
            content,
            by: key.by,
            mistake: change.or(key.mistake),
        });
        candidates.collect()
    }
}
