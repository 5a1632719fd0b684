//! Alarms that are on. Most tell what a finding has told already.

use super::finding::{Finding, Kind, Severity};
use crate::{
    status::facts::{AlarmFacts, Facts},
    time,
};

/// The alarms of the template, by the ends of their names: with the kinds of findings that tell the same,
/// and the end of the name of the resource that these must be of.
pub(super) const ALARMS: [(&str, &[Kind], &str); 30] = [
    ("stream-unread", &[Kind::NotRead, Kind::MappingOff], "events"),
    ("stream-late", &[Kind::IteratorAge, Kind::NotRead], "events"),
    ("stream-full", &[], ""),
    ("records-lost", &[], ""),
    ("given-up", &[Kind::GivenUp], ""),
    ("rejected", &[Kind::Rejected], "rejected"),
    ("fast-lane-old", &[Kind::OldestAge], "delivery"),
    ("fast-lane-fills", &[Kind::InFlight], "delivery"),
    ("fast-lane-full", &[Kind::InFlight], "delivery"),
    ("slow-lane-fills", &[Kind::InFlight], "retry"),
    ("slow-lane-full", &[Kind::InFlight], "retry"),
    ("slow-lane-waits", &[Kind::MappingOff], "retry"),
    ("late-attempts", &[], ""),
    ("dead-letters", &[Kind::DeadLetters], "dead-letter"),
    ("missing", &[], ""),
    ("jobs-wait", &[Kind::MappingOff], "jobs"),
    ("fan-out-errors", &[Kind::FunctionErrors], "fan-out"),
    ("fan-out-throttles", &[Kind::FunctionThrottles], "fan-out"),
    ("delivery-errors", &[Kind::FunctionErrors], "delivery"),
    ("delivery-throttles", &[Kind::FunctionThrottles], "delivery"),
    ("admin-api-errors", &[Kind::FunctionErrors], "admin-api"),
    ("admin-api-throttles", &[Kind::FunctionThrottles], "admin-api"),
    ("recursion", &[], ""),
    ("subscribers-throttles", &[], ""),
    ("history-throttles", &[], ""),
    ("deliveries-throttles", &[], ""),
    ("history-failures", &[], ""),
    ("api-errors", &[], ""),
    ("api-slow", &[], ""),
    // It is on with one of the others.
    ("urgent", &[], ""),
];

/// The alarms that make up `urgent`: deliveries are late or lost now.
pub(super) const URGENT: [&str; 14] = [
    "stream-unread",
    "stream-late",
    "stream-full",
    "records-lost",
    "fast-lane-old",
    "fast-lane-full",
    "slow-lane-full",
    "slow-lane-waits",
    "late-attempts",
    "missing",
    "fan-out-errors",
    "delivery-errors",
    "fan-out-throttles",
    "delivery-throttles",
];

/// Adds what the alarms tell besides what has been found. A finding that tells what an urgent alarm
/// tells is urgent, too.
pub(super) fn add(facts: &Facts, findings: &mut Vec<Finding>) {
    for alarm in facts.alarms.iter().flatten() {
        let Some(end) = alarm.name.strip_prefix(&facts.stack).and_then(|rest| rest.strip_prefix('-')) else {
            continue;
        };
        // Others may be of a stack whose name begins with this one's.
        let Some((end, kinds, of)) = ALARMS.iter().find(|(known, ..)| *known == end) else { continue };
        let (resource, is_urgent) = (format!("{}-{of}", facts.stack), URGENT.contains(end));
        let mut is_told = *end == "urgent";
        for finding in findings.iter_mut().filter(|finding| kinds.contains(&finding.kind)) {
            if of.is_empty() || finding.what.contains(&resource) {
                is_told = true;
                if is_urgent {
                    finding.severity = Severity::Urgent;
                }
            }
        }
        if !is_told {
            findings.push(finding(alarm, is_urgent));
        }
    }
}

fn finding(alarm: &AlarmFacts, is_urgent: bool) -> Finding {
    let since = alarm.since.map(|since| format!(", since {}", time::short(since))).unwrap_or_default();
    let (why, more) = alarm.description.split_once("Runbook:").unwrap_or((&alarm.description, ""));
    Finding {
        severity: if is_urgent { Severity::Urgent } else { Severity::Wrong },
        kind: Kind::Alarm,
        what: format!("The alarm {} is on{since}.", alarm.name),
        why: why.trim().to_owned(),
        advice: "Follow the runbook.".to_owned(),
        commands: Vec::new(),
        more: more.trim().to_owned(),
    }
}
