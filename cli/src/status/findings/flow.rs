//! What is wrong with the way from the stream and the queues to the functions.

use jiff::SignedDuration;
use storehook_domain::words::{
    number::{count, counted},
    time::span,
};

use super::finding::{Finding, Kind, Severity};
use crate::{
    status::facts::{Facts, MappingFacts},
    time,
};

/// From how many seconds on the fan-out is behind the stream, as the alarm `stream-late` has it, and when
/// the time runs out: the stream keeps a record for 24 hours.
pub(super) const BEHIND: u64 = 60;
const FAR_BEHIND: u64 = 12 * 60 * 60;

/// States of a mapping that works, or is about to (`State`, `GetEventSourceMapping`, AWS Lambda API
/// Reference).
const WORKING: [&str; 4] = ["Creating", "Enabled", "Enabling", "Updating"];

/// The code of the account's quota of concurrent executions in Service Quotas.
const CONCURRENCY_QUOTA: &str = "L-B99A9384";

pub(super) fn of_stream(facts: &Facts) -> Option<Finding> {
    // An old age says how late the last record was, and nothing of those that nobody has read since.
    not_read(facts).or_else(|| behind(facts))
}

fn behind(facts: &Facts) -> Option<Finding> {
    let stream = &facts.stream;
    let age = stream.iterator_age_seconds.filter(|age| *age >= BEHIND)?;
    let told = span(SignedDuration::from_secs(i64::try_from(age).unwrap_or(i64::MAX)));
    Some(Finding {
        severity: if age >= FAR_BEHIND { Severity::Urgent } else { Severity::Wrong },
        kind: Kind::IteratorAge,
        what: format!("The fan-out is {told} behind the stream {}.", stream.name),
        why: "Events reach nobody meanwhile. After 23 hours they are given up into the stack's bucket."
            .to_owned(),
        advice: "See whether the fan-out function fails or is throttled. If it is only busy, raise \
                 `StreamParallelization`, or `ShardCount` of a provisioned stream."
            .to_owned(),
        commands: Vec::new(),
        more: "docs/runbook.md#stream-late".to_owned(),
    })
}

fn not_read(facts: &Facts) -> Option<Finding> {
    let stream = &facts.stream;
    let unread = stream.unread.filter(|unread| *unread > 0)?;
    let have = if unread == 1 { "has" } else { "have" };
    let since = match stream.last_read_at {
        Some(at) => format!(" since {}", time::short(at)),
        None => String::new(),
    };
    Some(Finding {
        severity: Severity::Urgent,
        kind: Kind::NotRead,
        what: format!(
            "{} {have} arrived on {}{since}, and nobody has read them.",
            counted(unread, "event", "events"),
            stream.name
        ),
        why: "Events reach nobody. The stream forgets them after 24 hours.".to_owned(),
        advice: "See whether the mapping is enabled. If it is, Lambda's pollers have stopped: switch the mapping off and \
                 on again."
            .to_owned(),
        commands: switch_off_and_on(facts),
        more: "docs/runbook.md#stream-unread".to_owned(),
    })
}

fn switch_off_and_on(facts: &Facts) -> Vec<String> {
    let id =
        facts.mappings.iter().find(|mapping| mapping.is_of_stream).and_then(|mapping| mapping.id.as_ref());
    let commands =
        |id: &String| ["--no-enabled", "--enabled"].map(|switch| update_mapping(switch, id)).to_vec();
    id.map(commands).unwrap_or_default()
}

fn update_mapping(switch: &str, id: &str) -> String {
    format!("aws lambda update-event-source-mapping {switch} --uuid {id}")
}

pub(super) fn of_mapping(facts: &Facts, mapping: &MappingFacts) -> Option<Finding> {
    // The local stack reads the stream itself: see `local/kinesis/poller.rs`.
    if facts.is_local && mapping.is_of_stream {
        return None;
    }
    let MappingFacts { function, source, state, .. } = mapping;
    if !WORKING.contains(&state.as_str()) {
        let kept = if mapping.is_of_stream { "24 hours" } else { "14 days" };
        return Some(Finding {
            severity: Severity::Urgent,
            kind: Kind::MappingOff,
            what: match mapping.id {
                Some(_) => format!("The mapping from {source} to {function} is {state}."),
                None => format!("There is no mapping from {source} to {function}."),
            },
            why: format!("Nothing that is in {source} moves. It is kept for {kept}."),
            advice: match mapping.id {
                Some(_) => "If nobody has switched it off on purpose, switch it on.",
                None => "Deploy the stack again: the template makes the mapping.",
            }
            .to_owned(),
            commands: mapping.id.iter().map(|id| update_mapping("--enabled", id)).collect(),
            more: "docs/operating.md#upgrading".to_owned(),
        });
    }
    let problem = mapping.last_result.as_ref().filter(|result| result.starts_with("PROBLEM"))?;
    Some(Finding {
        severity: Severity::Wrong,
        kind: Kind::MappingProblem,
        what: format!("The mapping from {source} to {function} has a problem: {problem}."),
        why: format!("Lambda may not be able to read {source} or to invoke {function}."),
        advice: "If the function itself fails, its log says why. Otherwise its role lacks a permission."
            .to_owned(),
        commands: Vec::new(),
        more: "docs/runbook.md#function-errors".to_owned(),
    })
}

pub(super) fn concurrency(facts: &Facts) -> Option<Finding> {
    let allowed = facts.unreserved_concurrency?;
    let wanted: u64 = facts.mappings.iter().filter_map(|mapping| wanted(facts, mapping)).sum();
    (allowed < wanted).then(|| Finding {
        severity: Severity::Wrong,
        kind: Kind::Concurrency,
        what: format!(
            "The account may run {} functions at the same time, and this stack wants up to {}, besides the API.",
            count(allowed),
            count(wanted)
        ),
        why: "Lambda throttles what is over. Then lanes take each other's place, the API fails, and throttled messages \
              use up their receives."
            .to_owned(),
        advice: "Ask AWS for more, or lower `DeliveryConcurrency` and `RetryConcurrency`.".to_owned(),
        commands: vec![format!(
            "aws service-quotas request-service-quota-increase --service-code lambda --quota-code {CONCURRENCY_QUOTA} \
             --desired-value {}",
            wanted.max(1_000)
        )],
        more: "docs/runbook.md#function-throttles".to_owned(),
    })
}

/// How many invocations a mapping may make at the same time.
fn wanted(facts: &Facts, mapping: &MappingFacts) -> Option<u64> {
    let concurrency = mapping.concurrency?;
    let shards = if mapping.is_of_stream { facts.stream.shards.unwrap_or(1) } else { 1 };
    Some(concurrency.saturating_mul(shards))
}
