//! Refusals: how a stand-in tells that a call failed.

use serde_json::{Value, json};

/// Why a service refuses a call: the name of the error, and its other members.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) &'static str, pub(crate) Value);

impl Refusal {
    /// The call is malformed, or uses what the stand-in does not know.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self("ValidationException", json!({"message": message.into()}))
    }
}
