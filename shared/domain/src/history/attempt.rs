//! What is kept of an attempt, and of the last attempt's request and response.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::delivery::{
    body_shape::BodyShape,
    outcome::{FailedAttempt, Outcome},
    run::RunId,
};

/// How much of a response's body is kept, in bytes.
pub const RESPONSE_KEPT: usize = 1_024;

/// A POST that was made, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, from the look-up of the host to the end of the response.
    pub latency: Duration,
    /// The URL that it was sent to.
    pub address: String,
    /// The request, if it is kept.
    pub request: Option<RequestRecord>,
    /// The status of the response, if there was one.
    pub status: Option<u16>,
    /// The beginning of the response.
    pub response: Option<ResponseRecord>,
    /// Its outcome.
    pub outcome: Outcome,
    /// The `details` of an integration endpoint's verdict, as JSON.
    pub details: Option<String>,
}

impl Attempt {
    /// How long it took, in whole milliseconds.
    pub fn latency_ms(&self) -> u64 {
        u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX)
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&FailedAttempt> {
        match &self.outcome {
            Outcome::Delivered | Outcome::Delayed(_) => None,
            Outcome::Failed { reason, .. } => Some(reason),
        }
    }
}

/// What is kept of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// The run that it belongs to.
    #[serde(default, skip_serializing_if = "RunId::is_events_own")]
    pub run: RunId,
    /// Its number in the run, from 1.
    pub number: u64,
    /// When it began.
    pub at: Timestamp,
    /// The status of the response, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The code of the failure, for programs; see [`FailedAttempt::code`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// The URL that it was sent to.
    pub address: String,
}

/// The request of the last attempt. The body is not kept: it is built again from the payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The headers. Secret values are hidden.
    pub headers: Vec<(String, String)>,
    /// The shape that made the body from the payload.
    pub shape: BodyShape,
}

/// The beginning of the response to the last attempt, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseRecord {
    /// At most [`RESPONSE_KEPT`] bytes of the body. Bytes that are not UTF-8 are replaced.
    pub body: String,
    /// Whether the body was longer.
    #[serde(default)]
    pub is_truncated: bool,
}

impl ResponseRecord {
    /// What is kept of a response with this body.
    pub fn of(body: &[u8]) -> Self {
        let kept = &body[..body.len().min(RESPONSE_KEPT)];
        let is_truncated = kept.len() < body.len();
        let text = String::from_utf8_lossy(kept);
        // If the cut went through a character, its beginning is dropped: it is not the endpoint's
        // mistake.
        let text = if is_truncated { text.trim_end_matches('\u{fffd}') } else { &text };
        Self { body: text.to_owned(), is_truncated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_kibibyte_of_a_response_is_kept() {
        for (body, kept, is_truncated) in [
            (b"".to_vec(), String::new(), false),
            (b"thanks".to_vec(), "thanks".to_owned(), false),
            (b"a\xffb".to_vec(), "a\u{fffd}b".to_owned(), false),
            (vec![b'x'; 1_024], "x".repeat(1_024), false),
            (vec![b'x'; 1_025], "x".repeat(1_024), true),
            ("€".repeat(400).into_bytes(), "€".repeat(341), true),
        ] {
            assert_eq!(ResponseRecord::of(&body), ResponseRecord { body: kept, is_truncated });
        }
    }
}
