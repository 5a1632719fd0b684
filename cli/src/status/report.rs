//! What `status` shows: what is wrong, then the facts in tables.

use std::fmt;

use jiff::SignedDuration;
use serde::Serialize;
use storehook_domain::words::time::span;

use super::{facts::Facts, findings::finding::Finding};
use crate::{
    table::{
        Column::{Left, Right},
        table,
    },
    time,
};

/// The status of a stack.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether nothing is wrong.
    pub is_well: bool,
    /// What is wrong, the most severe first.
    pub findings: Vec<Finding>,
    /// What it was judged by.
    pub facts: Facts,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { findings, facts, .. } = self;
        writeln!(formatter, "{} at {}", facts.stack, time::short(facts.at))?;
        if findings.is_empty() {
            writeln!(formatter, "\nNothing is wrong.")?;
        }
        for finding in findings {
            write_finding(formatter, finding)?;
        }
        writeln!(formatter, "\n{}\n\n{}\n\n{}\n", queues(facts), mappings(facts), functions(facts))?;
        write_rest(formatter, facts)
    }
}

fn write_finding(formatter: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    writeln!(formatter, "\n{:<8} {}", finding.severity.as_str().to_uppercase(), finding.what)?;
    writeln!(formatter, "         Why:  {}", finding.why)?;
    writeln!(formatter, "         Do:   {}", finding.advice)?;
    for command in &finding.commands {
        writeln!(formatter, "               $ {command}")?;
    }
    writeln!(formatter, "         More: {}", finding.more)
}

/// A number, or what stands for one that nobody knows.
fn known(number: Option<u64>) -> String {
    number.map_or_else(|| "?".to_owned(), |number| number.to_string())
}

fn age(seconds: Option<u64>) -> String {
    let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
    seconds.map_or_else(|| "?".to_owned(), |seconds| span(SignedDuration::from_secs(seconds)))
}

fn queues(facts: &Facts) -> String {
    let columns = [Left("queue"), Right("waiting"), Right("in flight"), Right("delayed"), Right("oldest")];
    let rows = facts.queues.iter().map(|queue| {
        [
            queue.queue.as_str().to_owned(),
            known(queue.waiting),
            known(queue.in_flight),
            known(queue.delayed),
            age(queue.oldest_seconds),
        ]
    });
    table(columns, rows)
}

fn mappings(facts: &Facts) -> String {
    let columns =
        [Left("from"), Left("to"), Left("state"), Right("at once"), Left("last batch"), Left("mapping")];
    let rows = facts.mappings.iter().map(|mapping| {
        [
            mapping.source.clone(),
            mapping.function.clone(),
            mapping.state.clone(),
            known(mapping.concurrency),
            mapping.last_result.clone().unwrap_or_default(),
            mapping.id.clone().unwrap_or_default(),
        ]
    });
    table(columns, rows)
}

fn functions(facts: &Facts) -> String {
    let columns = [
        Left("function"),
        Left("state"),
        Left("last update"),
        Right("invoked/h"),
        Right("failed/h"),
        Right("throttled/h"),
        Left("log"),
    ];
    let unknown = || "?".to_owned();
    let rows = facts.functions.iter().map(|function| {
        [
            function.name.clone(),
            function.state.clone().unwrap_or_else(unknown),
            function.last_update.clone().unwrap_or_else(unknown),
            known(function.invocations),
            known(function.errors),
            known(function.throttles),
            function.log_group.clone().unwrap_or_default(),
        ]
    });
    table(columns, rows)
}

fn write_rest(formatter: &mut fmt::Formatter<'_>, facts: &Facts) -> fmt::Result {
    let stream = &facts.stream;
    writeln!(
        formatter,
        "stream        {}, shards: {}; the fan-out is behind by: {}; events in the last quarter of an hour: {}",
        stream.name,
        known(stream.shards),
        age(stream.iterator_age_seconds),
        known(stream.arrived),
    )?;
    writeln!(
        formatter,
        "concurrency   {} of the account are not reserved",
        known(facts.unreserved_concurrency)
    )?;
    let given_up = facts.given_up.as_ref();
    let batches = known(given_up.map(|given_up| given_up.batches));
    let more = if given_up.is_some_and(|given_up| given_up.has_more) { "+" } else { "" };
    let bucket = given_up.map_or("?", |given_up| given_up.bucket.as_str());
    writeln!(formatter, "given up      batches of records: {batches}{more}, in the bucket {bucket}")?;
    let alarms = facts.alarms.as_ref();
    let named = alarms.map_or("?".to_owned(), |alarms| match alarms.len() {
        0 => "none is on".to_owned(),
        _ => alarms.iter().map(|alarm| alarm.name.as_str()).collect::<Vec<_>>().join(", "),
    });
    writeln!(formatter, "alarms        {named}")?;
    let breakers = facts.breakers.as_ref();
    write!(
        formatter,
        "breakers      {} open, {} catching up, {} overdue",
        known(breakers.map(|breakers| breakers.open.len() as u64)),
        known(breakers.map(|breakers| breakers.catching_up)),
        known(breakers.map(|breakers| breakers.overdue)),
    )?;
    let open = breakers.iter().flat_map(|breakers| &breakers.open).map(|breaker| {
        let time = |at: Option<jiff::Timestamp>| at.map(time::short).unwrap_or_default();
        let webhook = &breaker.webhook;
        let (since, probe) = (time(breaker.failing_since), time(breaker.next_probe_at));
        [webhook.id.to_string(), webhook.shop.to_string(), webhook.app.to_string(), since, probe]
    });
    let open: Vec<_> = open.collect();
    if !open.is_empty() {
        let columns =
            [Right("webhook"), Left("shop"), Left("app"), Left("failing since"), Left("next probe")];
        write!(formatter, "\n\n{}", table(columns, open))?;
    }
    write!(formatter, "\n\n? is not known: CloudWatch has no data of what is quiet, nor of the local stack.")
}
