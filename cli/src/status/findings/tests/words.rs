//! What findings say, and where they lead.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context as _, Result};

use super::{after, breaker};
use crate::status::{
    facts::{AlarmFacts, BreakerFacts, GivenUpFacts, Unreadable},
    findings::{
        alarms::{ALARMS, URGENT},
        finding::{Finding, Kind, Severity},
        flow::BEHIND,
    },
};

#[test]
fn a_finding_says_what_to_do_for_this_stack() -> Result<()> {
    let one = |findings: Vec<Finding>| findings.into_iter().next().context("no finding");
    let dead = one(after(|facts| facts.queues[2].waiting = Some(1_204))?)?;
    assert_eq!(dead.what, "1,204 dead letters are in s-dead-letter.");
    assert_eq!(dead.commands, ["storehook --stack s redrive --dry-run", "storehook --stack s redrive"]);
    let local = one(after(|facts| (facts.is_local, facts.queues[2].waiting) = (true, Some(1)))?)?;
    assert_eq!(local.commands, ["storehook redrive --dry-run", "storehook redrive"]);
    let off = one(after(|facts| facts.mappings[3].state = "Disabled".to_owned())?)?;
    assert_eq!(off.what, "The mapping from s-retry to s-delivery is Disabled.");
    assert_eq!(off.commands, ["aws lambda update-event-source-mapping --enabled --uuid id-of-retry"]);
    let breakers: Vec<_> = (1..=7).map(breaker).collect::<Result<_>>()?;
    let open = BreakerFacts { open: breakers, ..BreakerFacts::default() };
    let open = one(after(|facts| facts.breakers = Some(open))?)?;
    assert!(
        open.what.starts_with(
            "7 webhooks have an open breaker: 1 of demo on a.example, since 2026-11-27T03:00:00Z; 2"
        ) && open.what.ends_with("; 2 more."),
        "{}",
        open.what
    );
    let failing = one(after(|facts| facts.functions[2].errors = Some(3))?)?;
    assert_eq!(failing.what, "The function s-delivery has failed 3 of 1,000 times in the last hour.");
    assert_eq!(failing.commands, ["aws logs tail log-of-delivery --since 1h --filter-pattern ERROR"]);
    Ok(())
}

#[test]
fn given_up_records_are_told_with_what_one_page_of_the_list_knows() -> Result<()> {
    let told = |batches, has_more, since: Option<&str>| -> Result<String> {
        let since = since.map(str::parse).transpose()?;
        let given_up = GivenUpFacts { bucket: "b".to_owned(), batches, has_more, since };
        let found = after(|facts| facts.given_up = Some(given_up))?;
        Ok(found.into_iter().next().context("no finding")?.what)
    };
    let since = Some("2026-11-26T03:00:00Z");
    for (batches, has_more, since, expected) in [
        (1, false, None, "1 batch of records that Lambda gave up is in the bucket b."),
        (
            12,
            false,
            since,
            "12 batches of records that Lambda gave up are in the bucket b, the oldest since 2026-11-26T03:00:00Z.",
        ),
        (
            1_000,
            true,
            since,
            "Over 1,000 batches of records that Lambda gave up are in the bucket b, some of them since \
             2026-11-26T03:00:00Z.",
        ),
    ] {
        assert_eq!(told(batches, has_more, since)?, expected);
    }
    Ok(())
}

#[test]
fn an_unread_stream_is_told_with_the_time_of_the_last_read() -> Result<()> {
    let found = after(|facts| facts.stream.unread = Some(1_204))?;
    let expected =
        "1,204 events have arrived on s-events since 2026-11-27T03:00:00Z, and nobody has read them.";
    assert_eq!(found.first().context("no finding")?.what, expected);
    Ok(())
}

/// An alarm that is on.
fn alarm(end: &str) -> AlarmFacts {
    AlarmFacts {
        name: format!("s-{end}"),
        description: format!("Something is wrong. Runbook: docs/runbook.md#{end}"),
        since: None,
    }
}

#[test]
fn an_alarm_is_told_where_no_other_finding_tells_the_same() -> Result<()> {
    let found = |ends: &[&str]| {
        after(|facts| {
            facts.queues[2].waiting = Some(1);
            facts.alarms = Some(ends.iter().map(|end| alarm(end)).collect());
        })
    };
    let others = found(&["dead-letters", "urgent", "eu-dead-letters", "history-failures", "missing"])?;
    let told: Vec<_> = others.iter().map(|finding| (finding.kind, finding.more.as_str())).collect();
    let expected = [
        (Kind::Alarm, "docs/runbook.md#missing"),
        (Kind::DeadLetters, "docs/runbook.md#dead-letters"),
        (Kind::Alarm, "docs/runbook.md#history-failures"),
    ];
    assert_eq!(told, expected);
    assert_eq!(others[2].what, "The alarm s-history-failures is on.");
    assert_eq!(others[2].why, "Something is wrong.");
    Ok(())
}

#[test]
fn every_alarm_of_the_template_is_known() -> Result<()> {
    let template = fs_err::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml"))?;
    let names = template.lines().filter_map(|line| line.split_once("AlarmName: !Sub ${AWS::StackName}-"));
    let names: BTreeSet<_> = names.map(|(_, name)| name.trim()).collect();
    assert_eq!(names, ALARMS.iter().map(|(name, ..)| *name).collect());
    // `${StreamUnreadAlarm}` is the alarm `stream-unread`.
    let (_, rule) = template.split_once("AlarmRule: !Sub |").context("no rule")?;
    let (rule, _) = rule.split_once("AlarmActions").context("no end of the rule")?;
    let parts = rule.split("${").skip(1).filter_map(|part| part.split_once("Alarm}"));
    let kebab = |name: &str| {
        let letters = name.chars().flat_map(|letter| {
            let dash = letter.is_uppercase().then_some('-');
            dash.into_iter().chain(letter.to_lowercase())
        });
        letters.collect::<String>().trim_start_matches('-').to_owned()
    };
    let urgent: BTreeSet<_> = parts.map(|(name, _)| kebab(name)).collect();
    assert_eq!(urgent, URGENT.iter().map(|name| (*name).to_owned()).collect());
    Ok(())
}

#[test]
fn an_alarm_of_another_queue_or_function_is_told_and_an_urgent_one_makes_its_finding_urgent() -> Result<()> {
    let found = after(|facts| {
        facts.functions[2].errors = Some(3);
        facts.alarms = Some(vec![alarm("delivery-errors"), alarm("fan-out-errors")]);
    })?;
    let told: Vec<_> =
        found.iter().map(|finding| (finding.severity, finding.kind, finding.more.as_str())).collect();
    let expected = [
        (Severity::Urgent, Kind::FunctionErrors, "docs/runbook.md#function-errors"),
        (Severity::Urgent, Kind::Alarm, "docs/runbook.md#fan-out-errors"),
    ];
    assert_eq!(told, expected);
    Ok(())
}

#[test]
fn the_fan_out_is_behind_from_where_its_alarm_is_on() -> Result<()> {
    let template = fs_err::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml"))?;
    let (_, alarm) = template.split_once("  StreamLateAlarm:\n").context("no alarm")?;
    let (_, threshold) = alarm.split_once("Threshold: ").context("no threshold")?;
    let milliseconds: u64 = threshold.lines().next().unwrap_or_default().parse()?;
    assert_eq!(milliseconds, BEHIND * 1_000);
    Ok(())
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != ' ' && c != '-', "");
    kept.replace(' ', "-")
}

#[test]
fn every_finding_leads_to_a_section_of_the_documents() -> Result<()> {
    let found = after(|facts| {
        for queue in &mut facts.queues {
            (queue.waiting, queue.in_flight, queue.oldest_seconds) = (Some(1), Some(100_000), Some(100_000));
        }
        for mapping in &mut facts.mappings {
            mapping.state = "Disabled".to_owned();
        }
        facts.mappings[3].state = "Enabled".to_owned();
        facts.mappings[3].last_result = Some("PROBLEM".to_owned());
        for function in &mut facts.functions {
            (function.state, function.errors, function.throttles) =
                (Some("Failed".to_owned()), Some(1), Some(1));
        }
        facts.stream.unread = Some(1);
        facts.given_up.iter_mut().for_each(|given_up| given_up.batches = 1);
        facts.unreserved_concurrency = Some(1);
        facts.breakers =
            breaker(1).ok().map(|open| BreakerFacts { open: vec![open], overdue: 1, catching_up: 0 });
        facts.unreadable.push(Unreadable { what: "The metrics".to_owned(), why: "no".to_owned() });
    })?;
    let kinds: std::collections::BTreeSet<_> = found.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds.len(), 15, "all kinds but that of a stream that lags");
    for finding in found {
        let (document, section) = finding.more.split_once('#').with_context(|| finding.more.clone())?;
        let text = fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document))?;
        let headings =
            text.lines().filter_map(|line| Some(line.strip_prefix("##")?.trim_start_matches('#').trim()));
        assert!(headings.map(anchor).any(|known| known == section), "{finding:?}");
    }
    Ok(())
}
