//! Keys that a signature may have been made with: each secret, and what receivers take for it.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use hmac::Mac as _;
use jiff::Timestamp;

use crate::{
    delivery::{
        signature::mac_of,
        verification::mistake::{Mistake, OwnSecret, Signer},
    },
    installation::secret_rotation::InstallationSecret,
};

/// What Standard Webhooks puts before the base64 of a secret.
const STANDARD_PREFIX: &str = "whsec_";

/// A key.
pub(super) struct Key {
    pub(super) bytes: Vec<u8>,
    pub(super) by: Signer,
    /// What is wrong with it, if it is not the secret itself.
    pub(super) mistake: Option<Mistake>,
}

impl Key {
    /// All keys: of the installation's secrets, the newest first, and of the receiver's own if it
    /// is another one.
    pub(super) fn all(secrets: &[InstallationSecret], own: &str, now: Timestamp) -> Vec<Self> {
        let ours = by_age(secrets, now).map(|(secret, by)| (secret.secret.key().to_vec(), by));
        let is_foreign = own_secret(secrets, own, now) == Some(OwnSecret::Foreign);
        let own = is_foreign.then(|| (key_of(own).unwrap_or_else(|| own.trim().into()), Signer::Yours));
        ours.chain(own).flat_map(|(key, by)| Self::forms(key, by)).collect()
    }

    fn forms(key: Vec<u8>, by: Signer) -> impl Iterator<Item = Self> {
        let base64 = STANDARD.encode(&key);
        let decoded = std::str::from_utf8(&key).ok().and_then(decoded);
        let with_line_break = [key.as_slice(), b"\n"].concat();
        let wrong = [
            (Some(format!("{STANDARD_PREFIX}{base64}").into_bytes()), Mistake::UndecodedSecret),
            (Some(base64.into_bytes()), Mistake::UndecodedSecret),
            (decoded, Mistake::DecodedSecret),
            (Some(with_line_break), Mistake::SecretWithLineBreak),
        ];
        let wrong = wrong
            .into_iter()
            .filter_map(move |(bytes, mistake)| Some(Self { bytes: bytes?, by, mistake: Some(mistake) }));
        [Self { bytes: key, by, mistake: None }].into_iter().chain(wrong)
    }
}

/// What is known about the receiver's own secret; `None` if it is empty.
pub(super) fn own_secret(secrets: &[InstallationSecret], own: &str, now: Timestamp) -> Option<OwnSecret> {
    let own = own.trim();
    if own.is_empty() {
        return None;
    }
    // The comparison of two HMACs takes constant time.
    let mark = |key: &[u8]| mac_of(key, &[]).finalize();
    let (plain, standard) = (mark(own.as_bytes()), key_of(own).map(|key| mark(&key)));
    let found = by_age(secrets, now).find_map(|(secret, which)| {
        let ours = mark(secret.secret.key());
        let is_standard = standard.as_ref() == Some(&ours);
        (is_standard || plain == ours).then_some(OwnSecret::Ours { which, is_standard })
    });
    Some(found.unwrap_or(OwnSecret::Foreign))
}

/// The secrets, the newest first.
fn by_age(
    secrets: &[InstallationSecret],
    now: Timestamp,
) -> impl Iterator<Item = (&InstallationSecret, Signer)> {
    secrets.iter().rev().enumerate().map(move |(index, secret)| {
        let which = match (secret.signs(now), index) {
            (false, _) => Signer::Retired,
            (true, 0) => Signer::Current,
            (true, _) => Signer::Older,
        };
        (secret, which)
    })
}

/// The key that a secret in the form `whsec_…` stands for.
fn key_of(standard: &str) -> Option<Vec<u8>> {
    decoded(standard.trim().strip_prefix(STANDARD_PREFIX)?)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let encodings = [STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD];
    encodings.iter().find_map(|encoding| encoding.decode(text).ok())
}
