//! Tests of the verdicts: each fact that is wrong, and what is said of it.

mod words;

use anyhow::Result;
use jiff::Timestamp;
use storehook_domain::webhook::{WebhookId, WebhookKey};

use super::*;
use crate::status::facts::{
    BreakerFacts, FunctionFacts, GivenUpFacts, MappingFacts, OpenBreaker, Queue, QueueFacts, StreamFacts,
    Unreadable,
};

const AT: &str = "2026-11-27T03:00:00Z";

/// A stack with which nothing is wrong.
fn well() -> Result<Facts> {
    let queue = |queue: Queue| QueueFacts {
        queue,
        name: format!("s-{}", queue.as_str()),
        waiting: Some(0),
        in_flight: Some(0),
        delayed: Some(0),
        oldest_seconds: None,
    };
    let function = |name: &str| FunctionFacts {
        name: format!("s-{name}"),
        state: Some("Active".to_owned()),
        last_update: Some("Successful".to_owned()),
        reason: None,
        log_group: Some(format!("log-of-{name}")),
        invocations: Some(1_000),
        errors: Some(0),
        throttles: Some(0),
    };
    let mapping = |source: &str, function: &str, concurrency| MappingFacts {
        id: Some(format!("id-of-{source}")),
        function: format!("s-{function}"),
        source: format!("s-{source}"),
        is_of_stream: source == "events",
        state: "Enabled".to_owned(),
        concurrency: Some(concurrency),
        last_result: Some("OK".to_owned()),
    };
    Ok(Facts {
        stack: "s".to_owned(),
        is_local: false,
        at: AT.parse()?,
        queues: Queue::ALL.map(queue).to_vec(),
        given_up: Some(GivenUpFacts { bucket: "b".to_owned(), ..GivenUpFacts::default() }),
        stream: StreamFacts {
            name: "s-events".to_owned(),
            shards: Some(4),
            iterator_age_seconds: Some(1),
            last_read_at: Some(AT.parse()?),
            arrived: Some(100),
            unread: None,
        },
        mappings: vec![
            mapping("events", "fan-out", 2),
            mapping("jobs", "fan-out", 10),
            mapping("delivery", "delivery", 100),
            mapping("retry", "delivery", 50),
        ],
        functions: ["admin-api", "fan-out", "delivery"].map(function).to_vec(),
        breakers: Some(BreakerFacts::default()),
        unreserved_concurrency: Some(1_000),
        alarms: Some(Vec::new()),
        unreadable: Vec::new(),
    })
}

fn breaker(id: u64) -> Result<OpenBreaker> {
    let webhook = WebhookKey { id: WebhookId::new(id), shop: "a.example".parse()?, app: "demo".parse()? };
    let failing_since = Some(AT.parse::<Timestamp>()?);
    Ok(OpenBreaker { webhook, failing_since, next_probe_at: None })
}

/// The findings of a stack with this change.
fn after(change: impl FnOnce(&mut Facts)) -> Result<Vec<Finding>> {
    let mut facts = well()?;
    change(&mut facts);
    Ok(judge(&facts))
}

#[test]
fn nothing_is_wrong_with_a_stack_that_is_well_or_of_which_little_is_known() -> Result<()> {
    assert_eq!(after(|_| ())?, []);
    let unknown = after(|facts| {
        facts.unreserved_concurrency = None;
        facts.breakers = None;
        facts.alarms = None;
        facts.given_up = None;
        facts.stream.iterator_age_seconds = None;
        facts.stream.last_read_at = None;
        facts.stream.arrived = None;
        for function in &mut facts.functions {
            (function.invocations, function.errors, function.throttles) = (None, None, None);
        }
    })?;
    assert_eq!(unknown, []);
    Ok(())
}

#[test]
fn each_thing_that_is_wrong_is_found_with_its_severity() -> Result<()> {
    use Severity::{Unknown, Urgent, Wrong};
    type Change = Box<dyn FnOnce(&mut Facts)>;
    type Case = (&'static str, Change, Option<(Severity, Kind)>);
    let cases: [Case; 35] = [
        ("a dead letter", Box::new(|f| f.queues[2].waiting = Some(1)), Some((Wrong, Kind::DeadLetters))),
        ("a hidden one", Box::new(|f| f.queues[2].in_flight = Some(1)), Some((Wrong, Kind::DeadLetters))),
        ("a rejected event", Box::new(|f| f.queues[4].waiting = Some(3)), Some((Wrong, Kind::Rejected))),
        ("59,999 in flight", Box::new(|f| f.queues[0].in_flight = Some(59_999)), None),
        ("60,000", Box::new(|f| f.queues[0].in_flight = Some(60_000)), Some((Wrong, Kind::InFlight))),
        ("100,000", Box::new(|f| f.queues[1].in_flight = Some(100_000)), Some((Urgent, Kind::InFlight))),
        ("299 s old", Box::new(|f| f.queues[0].oldest_seconds = Some(299)), None),
        ("300 s old", Box::new(|f| f.queues[0].oldest_seconds = Some(300)), Some((Wrong, Kind::OldestAge))),
        (
            "an hour old",
            Box::new(|f| f.queues[0].oldest_seconds = Some(3_600)),
            Some((Urgent, Kind::OldestAge)),
        ),
        ("two days in the slow lane", Box::new(|f| f.queues[1].oldest_seconds = Some(172_800)), None),
        (
            "a late job",
            Box::new(|f| f.queues[3].oldest_seconds = Some(3_600)),
            Some((Wrong, Kind::OldestAge)),
        ),
        (
            "given up",
            Box::new(|f| f.given_up.iter_mut().for_each(|given_up| given_up.batches = 1)),
            Some((Wrong, Kind::GivenUp)),
        ),
        ("59 s behind", Box::new(|f| f.stream.iterator_age_seconds = Some(59)), None),
        (
            "60 s behind",
            Box::new(|f| f.stream.iterator_age_seconds = Some(60)),
            Some((Wrong, Kind::IteratorAge)),
        ),
        (
            "12 h behind",
            Box::new(|f| f.stream.iterator_age_seconds = Some(43_200)),
            Some((Urgent, Kind::IteratorAge)),
        ),
        ("nothing to read", Box::new(|f| f.stream.iterator_age_seconds = None), None),
        (
            "never read",
            Box::new(|f| (f.stream.last_read_at, f.stream.unread) = (None, Some(100))),
            Some((Urgent, Kind::NotRead)),
        ),
        ("no longer read", Box::new(|f| f.stream.unread = Some(1)), Some((Urgent, Kind::NotRead))),
        (
            "no longer read, and late before",
            Box::new(|f| (f.stream.unread, f.stream.iterator_age_seconds) = (Some(1), Some(300))),
            Some((Urgent, Kind::NotRead)),
        ),
        ("off", Box::new(|f| f.mappings[2].state = "Disabled".to_owned()), Some((Urgent, Kind::MappingOff))),
        (
            "missing",
            Box::new(|f| (f.mappings[1].id, f.mappings[1].state) = (None, "missing".to_owned())),
            Some((Urgent, Kind::MappingOff)),
        ),
        ("on its way", Box::new(|f| f.mappings[2].state = "Enabling".to_owned()), None),
        (
            "a local stack reads the stream itself",
            Box::new(|f| (f.is_local, f.mappings[0].state) = (true, "Disabled".to_owned())),
            None,
        ),
        (
            "a problem",
            Box::new(|f| f.mappings[3].last_result = Some("PROBLEM: Function call failed".to_owned())),
            Some((Wrong, Kind::MappingProblem)),
        ),
        ("168 are wanted", Box::new(|f| f.unreserved_concurrency = Some(168)), None),
        ("one less", Box::new(|f| f.unreserved_concurrency = Some(167)), Some((Wrong, Kind::Concurrency))),
        (
            "a new account",
            Box::new(|f| f.unreserved_concurrency = Some(10)),
            Some((Wrong, Kind::Concurrency)),
        ),
        (
            "cannot run",
            Box::new(|f| f.functions[2].state = Some("Failed".to_owned())),
            Some((Urgent, Kind::FunctionBroken)),
        ),
        (
            "failed update",
            Box::new(|f| f.functions[1].last_update = Some("Failed".to_owned())),
            Some((Wrong, Kind::FunctionBroken)),
        ),
        ("an idle function", Box::new(|f| f.functions[0].state = Some("Inactive".to_owned())), None),
        ("9.9 % fail", Box::new(|f| f.functions[0].errors = Some(99)), Some((Wrong, Kind::FunctionErrors))),
        ("10 % fail", Box::new(|f| f.functions[0].errors = Some(100)), Some((Urgent, Kind::FunctionErrors))),
        (
            "throttled",
            Box::new(|f| f.functions[2].throttles = Some(1)),
            Some((Wrong, Kind::FunctionThrottles)),
        ),
        (
            "stuck recoveries",
            Box::new(|f| f.breakers = Some(BreakerFacts { overdue: 2, ..BreakerFacts::default() })),
            Some((Urgent, Kind::RecoveriesOverdue)),
        ),
        (
            "no permission",
            Box::new(|f| {
                f.unreadable.push(Unreadable { what: "The metrics".to_owned(), why: "no".to_owned() })
            }),
            Some((Unknown, Kind::Unreadable)),
        ),
    ];
    for (what, change, expected) in cases {
        let found: Vec<_> = after(change)?.iter().map(|finding| (finding.severity, finding.kind)).collect();
        assert_eq!(found, Vec::from_iter(expected), "{what}");
    }
    Ok(())
}

#[test]
fn the_most_severe_finding_comes_first() -> Result<()> {
    let found = after(|facts| {
        facts.unreadable.push(Unreadable { what: "The metrics".to_owned(), why: "no".to_owned() });
        facts.functions[2].errors = Some(1);
        facts.queues[2].waiting = Some(1);
        facts.queues[4].waiting = Some(1);
        facts.mappings[2].state = "Disabled".to_owned();
        facts.queues[1].in_flight = Some(110_000);
    })?;
    let kinds: Vec<_> = found.iter().map(|finding| finding.kind).collect();
    let expected = [
        Kind::InFlight,
        Kind::MappingOff,
        Kind::DeadLetters,
        Kind::Rejected,
        Kind::FunctionErrors,
        Kind::Unreadable,
    ];
    assert_eq!(kinds, expected);
    Ok(())
}
