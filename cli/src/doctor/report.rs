//! A diagnosis as it is printed: a table and what to change, or JSON with the same facts.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::checks::{
    checks,
    findings::Findings,
    verdict::{Check, Verdict},
};
use crate::table::{Column::*, table};

/// What the doctor says of an endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// The endpoint.
    url: String,
    /// How it is to respond.
    protocol: &'static str,
    /// Whether nothing is wrong.
    good: bool,
    /// All checks.
    pub checks: Vec<Check>,
}

impl Diagnosis {
    /// The diagnosis by these findings.
    pub fn of(findings: &Findings, now: Timestamp) -> Self {
        let checks = checks(findings, now);
        let good = checks.iter().all(|check| check.verdict != Verdict::Wrong);
        let (url, protocol) = (findings.address.as_str().to_owned(), findings.protocol.as_str());
        Self { url, protocol, good, checks }
    }

    /// Whether something is wrong.
    pub fn is_wrong(&self) -> bool {
        !self.good
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self
            .checks
            .iter()
            .map(|check| [check.name, check.verdict.as_str(), &check.found].map(str::to_owned));
        let columns = [Left("check"), Left("verdict"), Left("found")];
        write!(
            formatter,
            "{}, as a receiver of the protocol {}\n\n{}",
            self.url,
            self.protocol,
            table(columns, rows)
        )?;
        let advice = self.checks.iter().filter_map(|check| Some((check.name, check.advice.as_ref()?)));
        let advice: Vec<_> = advice.collect();
        if advice.is_empty() {
            return write!(formatter, "\n\nIt is a good receiver.");
        }
        write!(formatter, "\n\nWhat to change:")?;
        for (name, advice) in advice {
            write!(formatter, "\n  {name}: {advice}")?;
        }
        Ok(())
    }
}
