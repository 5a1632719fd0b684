//! What Lambda gave up: records that their fan-out could not send.

use storehook_domain::words::number::counted;

use super::{
    commands::storehook,
    finding::{Finding, Kind, Severity},
};
use crate::{
    status::facts::{Facts, GivenUpFacts},
    time,
};

pub(super) fn of(facts: &Facts) -> Option<Finding> {
    let given_up = facts.given_up.as_ref().filter(|given_up| given_up.batches > 0)?;
    Some(Finding {
        severity: Severity::Wrong,
        kind: Kind::GivenUp,
        what: what(given_up),
        why: "Their fan-out has failed for too long, so their events reach nobody. S3 deletes a batch after 30 days."
            .to_owned(),
        advice: "Find out why the fan-out function failed, and publish the records again. Events that were sent \
                 meanwhile are not sent twice."
            .to_owned(),
        commands: vec![storehook(facts, "republish --dry-run"), storehook(facts, "republish")],
        more: "docs/operating.md#records-that-were-given-up".to_owned(),
    })
}

fn what(given_up: &GivenUpFacts) -> String {
    let GivenUpFacts { bucket, batches, has_more, since } = given_up;
    let over = if *has_more { "Over " } else { "" };
    let is = if *batches == 1 && !has_more { "is" } else { "are" };
    // S3 lists by name, shard by shard, so a batch beyond the first page may be older.
    let oldest = if *has_more { "some of them" } else { "the oldest" };
    let since = since.map(|since| format!(", {oldest} since {}", time::short(since))).unwrap_or_default();
    let batches = counted(*batches, "batch of records", "batches of records");
    format!("{over}{batches} that Lambda gave up {is} in the bucket {bucket}{since}.")
}
