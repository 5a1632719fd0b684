//! The checks: what the findings say about an endpoint as a receiver.

pub mod findings;
pub mod verdict;

mod connection;
mod signatures;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use self::{findings::Findings, verdict::Check};

/// All checks, in the order of a delivery.
pub fn checks(findings: &Findings, now: Timestamp) -> Vec<Check> {
    let mut checks = vec![
        connection::address(findings),
        connection::certificate(findings, now),
        signatures::right(findings),
        connection::redirect(findings),
        signatures::duplicate(findings),
    ];
    checks.extend(signatures::refusals(findings));
    checks.extend([connection::latency(findings), connection::size(findings), connection::version(findings)]);
    checks
}
