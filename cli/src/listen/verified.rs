//! What is told of a delivery: when, what, which, how large, and whether its signatures verify.

use std::fmt;

use axum::{
    extract::rejection::BytesRejection,
    http::{HeaderMap, StatusCode, Uri},
};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use storehook_domain::{
    delivery::signature::{verify_body_signature, verify_standard_signatures},
    installation::secret::SharedSecret,
    payload::limits::BODY_LIMIT,
};

use super::forward::Forwarded;
use crate::table::printable;

/// Whether a signature verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// It does.
    Right,
    /// It does not.
    Wrong,
    /// There is no secret to verify it with.
    Unknown,
}

/// A delivery that came.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// When it came.
    pub at: Timestamp,
    /// The event's topic, or `-`.
    pub topic: String,
    /// The delivery's id, or `-`.
    pub id: String,
    /// The path of the request, if there was one here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Which attempt it is and what came of it there, if it is followed.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub there: Option<There>,
    /// The size of its body.
    pub bytes: usize,
    /// The signature of the body alone.
    pub body_signature: Signature,
    /// The signature of Standard Webhooks.
    pub standard_signature: Signature,
    /// What came of it where it was forwarded to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<Forwarded>,
}

/// What came of an attempt of Storehook.
#[derive(Debug, Clone, Serialize)]
pub struct There {
    /// The number of the attempt, over all runs.
    pub attempt: u64,
    /// The status of the response.
    pub status_there: Option<u16>,
    /// Why it failed.
    pub error_there: Option<String>,
}

/// A request that could not be read.
#[derive(Debug, Clone, Serialize)]
pub struct Refused {
    at: Timestamp,
    topic: String,
    id: String,
    path: String,
    refused: String,
}

impl Refused {
    /// What is told of a request that comes now and cannot be read.
    pub fn of(uri: &Uri, headers: &HeaderMap, unread: &BytesRejection) -> Self {
        let refused = if unread.status() == StatusCode::PAYLOAD_TOO_LARGE {
            format!("over {BODY_LIMIT} bytes, which Storehook never sends")
        } else {
            unread.body_text()
        };
        Self {
            at: storehook_aws::now(),
            topic: ending(headers, "-topic").to_owned(),
            id: named(headers, "webhook-id").to_owned(),
            path: uri.path().to_owned(),
            refused,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, topic, id, path, refused } = self;
        write!(formatter, "{} {topic} {id} {} refused: {}", time(*at), printable(path), printable(refused))
    }
}

impl Signature {
    /// The word for it in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "ok",
            Self::Wrong => "WRONG",
            Self::Unknown => "not verified",
        }
    }

    fn of(is_right: Option<bool>) -> Self {
        match is_right {
            Some(true) => Self::Right,
            Some(false) => Self::Wrong,
            None => Self::Unknown,
        }
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.as_str().to_ascii_lowercase().replace(' ', "_"))
    }
}

impl Verified {
    /// What is told of a delivery that comes now.
    pub fn of(secret: Option<&SharedSecret>, headers: &HeaderMap, body: &[u8]) -> Self {
        let (id, timestamp) = (named(headers, "webhook-id"), named(headers, "webhook-timestamp"));
        let signature = named(headers, "webhook-signature");
        let family = ending(headers, "-hmac-sha256");
        Self {
            at: storehook_aws::now(),
            topic: ending(headers, "-topic").to_owned(),
            id: id.to_owned(),
            path: None,
            there: None,
            bytes: body.len(),
            body_signature: Signature::of(secret.map(|secret| verify_body_signature(secret, body, family))),
            standard_signature: Signature::of(
                secret.map(|secret| verify_standard_signatures(secret, id, timestamp, body, signature)),
            ),
            forwarded: None,
        }
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, topic, id, bytes, .. } = self;
        write!(formatter, "{} {topic} {id} ", time(*at))?;
        if let Some(path) = &self.path {
            write!(formatter, "{} ", printable(path))?;
        }
        write!(
            formatter,
            "{bytes} bytes, body signature {}, standard signature {}",
            self.body_signature.as_str(),
            self.standard_signature.as_str()
        )?;
        if let Some(There { attempt, status_there, error_there }) = &self.there {
            let told = match (status_there, error_there) {
                (Some(status), _) => status.to_string(),
                (None, error) => error.as_deref().map_or_else(|| "no response".to_owned(), printable),
            };
            write!(formatter, ", attempt {attempt}: {told} there")?;
        }
        if let Some(forwarded) = &self.forwarded {
            write!(formatter, ", {forwarded}")?;
        }
        Ok(())
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%H:%M:%S%.3f").to_string()
}

/// The value of this header.
fn named<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-")
}

/// The value of the header that ends like this. The prefix of the platform's headers is a deploy
/// parameter, so their ends identify them.
fn ending<'a>(headers: &'a HeaderMap, ending: &str) -> &'a str {
    let found = headers.iter().find(|(name, _)| name.as_str().ends_with(ending));
    found.and_then(|(_, value)| value.to_str().ok()).unwrap_or("-")
}

#[cfg(test)]
mod tests {
    use anyhow::Result;
    use storehook_domain::delivery::signature::{body_signature, standard_signatures};

    use super::*;

    fn signed(secret: &SharedSecret, body: &[u8]) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert("x-acme-topic", "orders/create".parse()?);
        headers.insert("x-acme-hmac-sha256", body_signature(secret, body).parse()?);
        headers.insert("webhook-id", "7-e1".parse()?);
        headers.insert("webhook-timestamp", "7".parse()?);
        let at = Timestamp::from_second(7)?;
        let standard = standard_signatures(std::slice::from_ref(secret), "7-e1", at, body);
        headers.insert("webhook-signature", standard.parse()?);
        Ok(headers)
    }

    #[test]
    fn one_line_shows_a_delivery_with_both_verdicts_in_either_form() -> Result<()> {
        let secret = SharedSecret::parse(&"s".repeat(32))?;
        let headers = signed(&secret, br#"{"id":1}"#)?;
        for (secret, body, told, in_json) in [
            (Some(&secret), &br#"{"id":1}"#[..], "8 bytes, body signature ok, standard signature ok", "ok"),
            (Some(&secret), b"{}", "2 bytes, body signature WRONG, standard signature WRONG", "wrong"),
            (
                None,
                b"{}",
                "2 bytes, body signature not verified, standard signature not verified",
                "not_verified",
            ),
        ] {
            let verified =
                Verified { path: Some("/hook".to_owned()), ..Verified::of(secret, &headers, body) };
            let line = verified.to_string();
            assert!(line.ends_with(&format!(" orders/create 7-e1 /hook {told}")), "{line}");
            let json = serde_json::to_value(&verified)?;
            assert_eq!((&json["id"], &json["standard_signature"]), (&"7-e1".into(), &in_json.into()));
            assert!(json.get("forwarded").is_none() && json.get("attempt").is_none(), "{json}");
        }
        Ok(())
    }

    #[test]
    fn what_came_of_it_there_and_here_is_told() {
        let there = There { attempt: 2, status_there: None, error_there: Some("no \u{1b}way".to_owned()) };
        let forwarded = Forwarded { status: Some(500), error: None, milliseconds: 12 };
        let plain = Verified::of(None, &HeaderMap::new(), b"");
        let verified = Verified { there: Some(there), forwarded: Some(forwarded), ..plain };
        let line = verified.to_string();
        let told = ", attempt 2: no \\u{1b}way there, 500 here after 12 ms";
        assert!(line.ends_with(told), "{line}");
    }

    #[test]
    fn a_path_cannot_steer_the_terminal() {
        let path = Some("/\u{9b}2J/é".to_owned());
        let line = Verified { path, ..Verified::of(None, &HeaderMap::new(), b"") }.to_string();
        assert!(line.contains(" /\\u{9b}2J/é 0 bytes"), "{line}");
    }
}
