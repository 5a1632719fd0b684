//! Verification: why a signature verifies, or which known mistake keeps it from verifying.
//!
//! A receiver pastes the headers and the body of a request, and perhaps its own secret and the
//! signature that its code computed. Each signature is a claim: 32 bytes, in whatever
//! encoding. What Storehook would sign, and what receivers wrongly sign instead, are candidates:
//! bodies that were written anew, keys in a wrong form, the other scheme. The candidate with
//! the claim's bytes tells the [mistakes](mistake), and each mistake is a sentence that says what
//! to do.
//!
//! A candidate changes the body or the key, not both, so their number is small. No secret and no
//! signature is ever in a verdict, and comparisons take constant time.

mod bodies;
mod candidates;
mod claims;
mod headers;
mod keys;
pub mod mistake;
mod words;

use std::cell::LazyCell;

use jiff::{SignedDuration, Timestamp};

use crate::{
    delivery::verification::{
        bodies::other_bodies,
        candidates::{Candidate, Content},
        claims::Claim,
        headers::Headers,
        keys::{Key, own_secret},
        mistake::{Mistake, OwnSecret, Verdict},
    },
    installation::secret_rotation::InstallationSecret,
    webhook::header_prefix::HeaderPrefix,
};

/// How old or how far ahead a timestamp may be: what Standard Webhooks libraries allow.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// What a receiver pasted. Only the headers and the body must be there.
#[derive(Clone, Copy, Default)]
pub struct Pasted<'a> {
    /// The headers, one in each line, as any tool prints them.
    pub headers: &'a str,
    /// The body.
    pub body: &'a str,
    /// The receiver's own secret, in either form.
    pub secret: &'a str,
    /// The signature that the receiver's code computed.
    pub computed: &'a str,
}

/// What is to say about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// About each signature, in the order of the headers' importance.
    pub findings: Vec<Finding>,
    /// About the receiver's own secret, if it was pasted.
    pub secret: Option<OwnSecret>,
}

/// What is to say about one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The header that holds the signature; `None` for the one that the receiver computed, and if
    /// there is no signature.
    pub header: Option<String>,
    /// Whether it is right, or why not.
    pub verdict: Verdict,
}

impl Finding {
    /// Whether it is about the signature that the receiver computed.
    pub fn is_computed(&self) -> bool {
        matches!(self.verdict, Verdict::Computed(_))
    }
}

/// Judges every signature of a request by the installation's secrets, oldest first.
pub fn verify(
    pasted: &Pasted<'_>,
    secrets: &[InstallationSecret],
    prefix: &HeaderPrefix,
    now: Timestamp,
) -> Verification {
    let headers = Headers::parse(pasted.headers);
    let head = headers.get("webhook-id").zip(headers.get("webhook-timestamp"));
    let head = head.map(|(id, timestamp)| format!("{id}.{timestamp}."));
    let keys = Key::all(secrets, pasted.secret, now);
    let head = head.as_deref();
    let exact: Vec<_> = keys.iter().flat_map(|key| Candidate::of(key, head, pasted.body, None)).collect();
    let changed = LazyCell::new(|| -> Vec<Candidate> {
        let plain: Vec<_> = keys.iter().filter(|key| key.mistake.is_none()).collect();
        let candidates = other_bodies(pasted.body).flat_map(|(body, change)| {
            let of_body = plain.iter().flat_map(|key| Candidate::of(key, head, &body, Some(change)));
            of_body.collect::<Vec<_>>()
        });
        candidates.collect()
    });
    let judge = |claim: Option<Claim>, expected: Option<Content>| {
        let Some(Claim { mac, mistakes }) = claim else { return Verdict::Malformed };
        let found = exact.iter().find(|candidate| candidate.mac == mac);
        let Some(found) = found.or_else(|| changed.iter().find(|candidate| candidate.mac == mac)) else {
            return Verdict::Unknown;
        };
        let other = match (expected, found.content) {
            (Some(Content::Standard), Content::Body) => Some(Mistake::BodyAlone),
            (Some(Content::Body), Content::Standard) => Some(Mistake::IdAndTime),
            _ => None,
        };
        let mistakes = mistakes.into_iter().chain(found.mistake).chain(other).collect();
        Verdict::Signed { by: found.by, mistakes }
    };

    let mut findings = Vec::new();
    if let Some(value) = headers.get("webhook-signature") {
        let missing =
            ["webhook-id", "webhook-timestamp"].into_iter().find(|name| headers.get(name).is_none());
        let verdict = match missing {
            Some(name) => Verdict::Missing(name),
            None => {
                let verdicts = Claim::versioned(value).map(|claim| judge(claim, Some(Content::Standard)));
                let best = verdicts.min_by_key(Verdict::rank).unwrap_or(Verdict::Malformed);
                dated(best, headers.get("webhook-timestamp"), now)
            }
        };
        findings.push(Finding { header: Some("webhook-signature".to_owned()), verdict });
    }
    for name in [prefix.name("HMAC-SHA256"), "X-Spiffy-HMAC-SHA256".to_owned()] {
        if let Some(value) = headers.get(&name) {
            let verdict = judge(Claim::parse(value), Some(Content::Body));
            findings.push(Finding { header: Some(name), verdict });
        }
    }
    if findings.is_empty() {
        let verdict = headers.foreign_signature().map_or(Verdict::NoSignature, Verdict::OtherScheme);
        findings.push(Finding { header: None, verdict });
    }
    if !pasted.computed.trim().is_empty() {
        let computed = pasted.computed.trim();
        let claim = Claim::parse(computed.strip_prefix("v1,").unwrap_or(computed));
        findings.push(Finding { header: None, verdict: Verdict::Computed(Box::new(judge(claim, None))) });
    }
    Verification { findings, secret: own_secret(secrets, pasted.secret, now) }
}

/// Adds what is wrong with the timestamp of a signature.
fn dated(mut verdict: Verdict, timestamp: Option<&str>, now: Timestamp) -> Verdict {
    let seconds = timestamp.and_then(|text| text.parse().ok());
    let signed_at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    if let (Verdict::Signed { mistakes, .. }, Some(signed_at)) = (&mut verdict, signed_at) {
        let age = now.duration_since(signed_at);
        if age > TOLERANCE {
            mistakes.push(Mistake::Old { age });
        } else if age < -TOLERANCE {
            mistakes.push(Mistake::Early { ahead: age.abs() });
        }
    }
    verdict
}

#[cfg(test)]
mod tests;
