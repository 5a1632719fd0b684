//! Alarms that are on. Most tell what a finding has told already.

use super::finding::{Finding, Kind, Severity};
use crate::{
    status::facts::{AlarmFacts, Facts},
    time,
};

/// The alarms of the template, by the ends of their names, with the kinds of findings that tell the same.
pub(super) const ALARMS: [(&str, &[Kind]); 27] = [
    ("stream-unread", &[Kind::NotRead, Kind::MappingOff]),
    ("stream-late", &[Kind::IteratorAge, Kind::NotRead]),
    ("stream-full", &[]),
    ("records-lost", &[]),
    ("rejected", &[Kind::Rejected]),
    ("fast-lane-old", &[Kind::OldestAge]),
    ("fast-lane-fills", &[Kind::InFlight]),
    ("fast-lane-full", &[Kind::InFlight]),
    ("slow-lane-fills", &[Kind::InFlight]),
    ("slow-lane-full", &[Kind::InFlight]),
    ("late-attempts", &[]),
    ("dead-letters", &[Kind::DeadLetters]),
    ("missing", &[]),
    ("fan-out-errors", &[Kind::FunctionErrors]),
    ("fan-out-throttles", &[Kind::FunctionThrottles]),
    ("delivery-errors", &[Kind::FunctionErrors]),
    ("delivery-throttles", &[Kind::FunctionThrottles]),
    ("admin-api-errors", &[Kind::FunctionErrors]),
    ("admin-api-throttles", &[Kind::FunctionThrottles]),
    ("recursion", &[]),
    ("subscribers-throttles", &[]),
    ("history-throttles", &[]),
    ("deliveries-throttles", &[]),
    ("history-failures", &[]),
    ("api-errors", &[]),
    ("api-slow", &[]),
    // It is on with one of the others.
    ("urgent", &[]),
];

/// Alarms of deliveries that are late or lost now, of which no fact tells.
const URGENT: [&str; 4] = ["stream-full", "records-lost", "late-attempts", "missing"];

/// What the alarms tell besides what has been found.
pub(super) fn besides(facts: &Facts, found: &[Finding]) -> Vec<Finding> {
    let alarms = facts.alarms.iter().flatten();
    alarms.filter_map(|alarm| finding(facts, alarm, found)).collect()
}

fn finding(facts: &Facts, alarm: &AlarmFacts, found: &[Finding]) -> Option<Finding> {
    let end = alarm.name.strip_prefix(&facts.stack)?.strip_prefix('-')?;
    // Others may be of a stack whose name begins with this one's.
    let (end, kinds) = ALARMS.iter().find(|(known, _)| *known == end)?;
    if *end == "urgent" || found.iter().any(|finding| kinds.contains(&finding.kind)) {
        return None;
    }
    let since = alarm.since.map(|since| format!(", since {}", time::short(since))).unwrap_or_default();
    let (why, more) = alarm.description.split_once("Runbook:").unwrap_or((&alarm.description, ""));
    Some(Finding {
        severity: if URGENT.contains(end) { Severity::Urgent } else { Severity::Wrong },
        kind: Kind::Alarm,
        what: format!("The alarm {} is on{since}.", alarm.name),
        why: why.trim().to_owned(),
        advice: "Follow the runbook.".to_owned(),
        commands: Vec::new(),
        more: more.trim().to_owned(),
    })
}
