//! What is wrong with endpoints, and with what is held for them.

use storehook_domain::words::number::counted;

use super::{
    commands::storehook,
    finding::{Finding, Kind, Severity},
};
use crate::{
    status::facts::{BreakerFacts, Facts, OpenBreaker},
    time,
};

/// How many webhooks are named.
const NAMED: usize = 5;

pub(super) fn of(facts: &Facts, breakers: &BreakerFacts) -> Vec<Finding> {
    [open(facts, &breakers.open), overdue(breakers.overdue)].into_iter().flatten().collect()
}

fn open(facts: &Facts, open: &[OpenBreaker]) -> Option<Finding> {
    let first = open.first()?;
    let mut named: Vec<_> = open.iter().take(NAMED).map(name).collect();
    if let Some(more @ 1..) = open.len().checked_sub(NAMED) {
        named.push(format!("{more} more"));
    }
    let have = if open.len() == 1 { "has" } else { "have" };
    Some(Finding {
        severity: Severity::Wrong,
        kind: Kind::BreakersOpen,
        what: format!(
            "{} {have} an open breaker: {}.",
            counted(open.len() as u64, "webhook", "webhooks"),
            named.join("; ")
        ),
        why: "All attempts have failed, so their deliveries are held. They are sent by themselves once the endpoint works \
              again. After five days of failures a webhook is disabled."
            .to_owned(),
        advice: "See what the endpoints answer, and tell the developer of the app.".to_owned(),
        commands: vec![
            storehook(facts, &format!("deliveries --webhook {} --limit 5", first.webhook.id)),
            storehook(facts, &format!("webhooks --shop {} --app {}", first.webhook.shop, first.webhook.app)),
        ],
        more: "docs/receiving.md#when-an-endpoint-keeps-failing".to_owned(),
    })
}

fn name(breaker: &OpenBreaker) -> String {
    let OpenBreaker { webhook, failing_since, .. } = breaker;
    let since = failing_since.map(|since| format!(", since {}", time::short(since))).unwrap_or_default();
    format!("{} of {} on {}{since}", webhook.id, webhook.app, webhook.shop)
}

fn overdue(number: u64) -> Option<Finding> {
    (number > 0).then(|| Finding {
        severity: Severity::Urgent,
        kind: Kind::RecoveriesOverdue,
        what: format!("{} should have gone on long ago.", counted(number, "recovery", "recoveries")),
        why: "What is held for these webhooks is not sent, although their endpoints may work.".to_owned(),
        advice: "The fan-out function starts them again every five minutes. See whether it runs, and whether the jobs \
                 queue moves."
            .to_owned(),
        commands: Vec::new(),
        more: "docs/runbook.md#function-errors".to_owned(),
    })
}
