//! The alarms and the documents: each alarm has its section in the runbook, and its row.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use storehook_aws::metrics::Metric;
use yaml_serde::Value;

use super::{first_cells, read};
use crate::stack::template::template;

/// What each section tells, in this order.
const PARTS: [&str; 4] = ["**Means:**", "**Look:**", "**Do:**", "**Over when**"];

/// The description of each alarm, the composite one included, by the alarm's name without the stack's.
fn descriptions() -> Result<Vec<(String, String)>> {
    let template = template()?;
    let resources = template["Resources"].as_mapping().context("no resources")?;
    let kinds = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];
    let alarms = resources
        .iter()
        .filter(|(_, resource)| resource["Type"].as_str().is_some_and(|kind| kinds.contains(&kind)));
    alarms
        .map(|(_, resource)| {
            let properties = &resource["Properties"];
            let Value::Tagged(name) = &properties["AlarmName"] else { anyhow::bail!("no name") };
            let name = name.value.as_str().and_then(|name| name.strip_prefix("${AWS::StackName}-"));
            let description = properties["AlarmDescription"].as_str().context("no description")?;
            Ok((name.context("a name")?.to_owned(), description.to_owned()))
        })
        .collect()
}

#[test]
fn every_alarm_names_its_section_of_the_runbook() -> Result<()> {
    let runbook = read("docs/runbook.md")?;
    let mut sections = BTreeSet::new();
    for (name, description) in descriptions()? {
        let (_, section) = description.split_once("Runbook: docs/runbook.md#").context(name.clone())?;
        let heading = format!("\n### {section}\n");
        let (_, text) =
            runbook.split_once(&heading).with_context(|| format!("{name}: no section {section}"))?;
        let text = text.split("\n## ").next().and_then(|text| text.split("\n### ").next());
        let mut rest = text.unwrap_or_default();
        for part in PARTS {
            rest = rest.split_once(part).with_context(|| format!("{section} does not tell {part}"))?.1;
        }
        ensure!(description.len() <= 1_024, "{name}: CloudWatch takes 1,024 characters");
        sections.insert(section.to_owned());
    }
    // And no section is of an alarm that is not there.
    let alarms = runbook.split("\n## Procedures").next().unwrap_or_default();
    let told = alarms.lines().filter_map(|line| Some(line.strip_prefix("### ")?.to_owned()));
    assert_eq!(told.collect::<BTreeSet<_>>(), sections);
    Ok(())
}

#[test]
fn every_alarm_is_in_the_table_of_alarms() -> Result<()> {
    let told = first_cells(&read("docs/operating.md")?, "alarm");
    let names = descriptions()?.into_iter().map(|(name, _)| format!("<stack>-{name}"));
    assert_eq!(told, names.collect::<BTreeSet<_>>());
    Ok(())
}

#[test]
fn every_metric_is_in_the_table_of_metrics() -> Result<()> {
    let told = first_cells(&read("docs/operating.md")?, "metric");
    let written = Metric::ALL.into_iter().filter(|metric| metric.is_published());
    assert_eq!(told, written.map(|metric| metric.name().to_owned()).collect::<BTreeSet<_>>());
    Ok(())
}
