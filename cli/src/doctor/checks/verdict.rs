//! What a check comes to.

use serde::Serialize;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// Deliveries work, and something should be changed.
    Warning,
    /// Deliveries do not work, or are not safe.
    Wrong,
    /// There was nothing to judge by.
    Skipped,
}

impl Verdict {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
            Self::Skipped => "skipped",
        }
    }
}

/// One check of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is checked.
    pub name: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to change; `None` if nothing is to be changed.
    pub advice: Option<String>,
}

impl Check {
    pub(super) fn new(name: &'static str, verdict: Verdict, found: impl Into<String>, advice: &str) -> Self {
        let advice = (!advice.is_empty()).then(|| advice.to_owned());
        Self { name, verdict, found: found.into(), advice }
    }

    pub(super) fn skipped(name: &'static str, found: &str) -> Self {
        Self::new(name, Verdict::Skipped, found, "")
    }
}
