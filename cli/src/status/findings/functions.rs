//! What is wrong with a function.

use storehook_domain::words::number::{count, counted};

use super::finding::{Finding, Kind, Severity};
use crate::status::facts::FunctionFacts;

/// From how many failures of a hundred invocations on somebody must act at once.
const MANY: u64 = 10;

pub(super) fn of(function: &FunctionFacts) -> Vec<Finding> {
    [broken(function), errors(function), throttles(function)].into_iter().flatten().collect()
}

/// States of a function that runs (`State`, `GetFunctionConfiguration`, AWS Lambda API Reference). An
/// inactive one starts with the next invocation.
fn broken(function: &FunctionFacts) -> Option<Finding> {
    let FunctionFacts { name, state, last_update, reason, .. } = function;
    let has_failed = |state: &Option<String>| state.as_deref() == Some("Failed");
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let (severity, what) = if has_failed(state) {
        (Severity::Urgent, format!("The function {name} cannot run{reason}."))
    } else if has_failed(last_update) {
        (Severity::Wrong, format!("The last update of the function {name} has failed{reason}."))
    } else {
        return None;
    };
    Some(Finding {
        severity,
        kind: Kind::FunctionBroken,
        what,
        why: "What it should work on waits, or is worked on by an older version.".to_owned(),
        advice: "Deploy the stack again.".to_owned(),
        commands: vec!["sam build && sam deploy".to_owned()],
        more: "docs/runbook.md#rolling-back".to_owned(),
    })
}

fn errors(function: &FunctionFacts) -> Option<Finding> {
    let errors = function.errors.filter(|errors| *errors > 0)?;
    let invocations = function.invocations.unwrap_or(errors).max(errors);
    let severity = if errors.saturating_mul(100) >= invocations.saturating_mul(MANY) {
        Severity::Urgent
    } else {
        Severity::Wrong
    };
    let times = counted(invocations, "time", "times");
    Some(Finding {
        severity,
        kind: Kind::FunctionErrors,
        what: format!(
            "The function {} has failed {} of {times} in the last hour.",
            function.name,
            count(errors)
        ),
        why: consequence(&function.name).to_owned(),
        advice: "Read its log: it says why.".to_owned(),
        commands: logs(function),
        more: "docs/runbook.md#function-errors".to_owned(),
    })
}

fn throttles(function: &FunctionFacts) -> Option<Finding> {
    let throttles = function.throttles.filter(|throttles| *throttles > 0)?;
    Some(Finding {
        severity: Severity::Wrong,
        kind: Kind::FunctionThrottles,
        what: format!(
            "Lambda has not invoked the function {} {} in the last hour, because too many functions ran.",
            function.name,
            counted(throttles, "time", "times")
        ),
        why: consequence(&function.name).to_owned(),
        advice: "Raise the account's concurrency, or lower that of the mappings.".to_owned(),
        commands: vec!["aws lambda get-account-settings".to_owned()],
        more: "docs/runbook.md#function-throttles".to_owned(),
    })
}

fn consequence(name: &str) -> &'static str {
    match name {
        name if name.ends_with("-delivery") => {
            "Its messages come again, and use up their receives: those of a delivery in a few hours."
        }
        name if name.ends_with("-fan-out") => {
            "Events and jobs come again. A record that always fails holds up its part of the shard."
        }
        _ => "Callers of the API and users of the panel get a 500.",
    }
}

fn logs(function: &FunctionFacts) -> Vec<String> {
    let log = function.log_group.as_ref();
    log.map(|group| format!("aws logs tail {group} --since 1h --filter-pattern ERROR")).into_iter().collect()
}
