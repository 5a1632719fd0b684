//! Verdicts: what is wrong with a stack, why it matters, and what to do.
//!
//! They follow from the facts alone, so each is a row of a table in the tests. The most severe come
//! first; findings of equal severity stand in the order of their
//! [kinds](Kind). A fact that nobody knows is no
//! finding. One that could not be read is: nobody can say then that all is well.

pub mod finding;

mod alarms;
mod breakers;
mod commands;
mod flow;
mod functions;
mod given_up;
mod queues;

#[cfg(test)]
mod tests;

use self::finding::{Finding, Kind, Severity};
use super::facts::Facts;

/// Judges the facts.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = facts.queues.iter().flat_map(|queue| queues::of(facts, queue)).collect();
    findings.extend(given_up::of(facts));
    findings.extend(flow::of_stream(facts));
    findings.extend(facts.mappings.iter().flat_map(|mapping| flow::of_mapping(facts, mapping)));
    findings.extend(flow::concurrency(facts));
    findings.extend(facts.breakers.iter().flat_map(|breakers| breakers::of(facts, breakers)));
    findings.extend(facts.functions.iter().flat_map(functions::of));
    alarms::add(facts, &mut findings);
    findings.extend(facts.unreadable.iter().map(|unreadable| Finding {
        severity: Severity::Unknown,
        kind: Kind::Unreadable,
        what: format!("{} could not be read: {}.", unreadable.what, unreadable.why),
        why: "Nobody knows whether something is wrong there.".to_owned(),
        advice: "If a permission is missing, ask for it.".to_owned(),
        commands: Vec::new(),
        more: "docs/operating.md#permissions".to_owned(),
    }));
    findings.sort_by_key(|finding| (finding.severity, finding.kind));
    findings
}
