//! The alarms of the template, on recorded points.
//!
//! The emulator has no metrics, so CloudWatch's decision is made here: `evaluation` has the statistics,
//! periods and missing points, `expression` the metric math, and both are tested by the examples of
//! AWS's documentation. What an alarm watches is read from the template.

mod alarm;
mod books;
mod cases;
mod dashboard;
mod evaluation;
mod expression;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use storehook_aws::metrics::Metric;
use yaml_serde::Value;

use self::{
    alarm::{Alarm, alarms},
    cases::{CASES, Case},
    evaluation::Samples,
};
use super::template::resource;

/// The end of the latest period: an hour of the clock.
const NOW: i64 = 1_795_273_200;

#[test]
fn every_alarm_fires_on_points_that_are_bad_and_on_no_others() -> Result<()> {
    let alarms = alarms()?;
    let mut tried: BTreeMap<&str, BTreeSet<bool>> = BTreeMap::new();
    for Case { alarm: name, what, points, is_on } in CASES {
        let alarm = alarms.get(*name).with_context(|| format!("no alarm {name}"))?;
        let mut samples = BTreeMap::new();
        for (metric, words) in *points {
            samples.insert((*metric).to_owned(), recorded(words, alarm.period())?);
        }
        assert_eq!(alarm.is_on(&samples, NOW)?, *is_on, "{name}: {what}");
        tried.entry(name).or_default().insert(*is_on);
    }
    for name in alarms.keys() {
        assert_eq!(tried.get(name.as_str()).map(BTreeSet::len), Some(2), "{name} needs points of both kinds");
    }
    Ok(())
}

/// A case about another metric would prove nothing.
#[test]
fn the_points_of_an_alarm_that_fires_are_of_metrics_that_it_watches() -> Result<()> {
    let alarms = alarms()?;
    for Case { alarm, what, points, .. } in CASES.iter().filter(|case| case.is_on) {
        let watched: BTreeSet<_> =
            alarms[*alarm].watched.values().map(|watched| watched.metric.as_str()).collect();
        for (metric, _) in *points {
            assert!(watched.contains(metric), "{alarm} does not watch {metric}: {what}");
        }
    }
    Ok(())
}

/// The samples that words tell; see [`cases`].
fn recorded(words: &str, period: i64) -> Result<Samples> {
    let words: Vec<_> = words.split(' ').collect();
    let mut samples = Samples::new();
    for (back, word) in words.iter().rev().enumerate().filter(|(_, word)| **word != "-") {
        let at = NOW - (back as i64 + 1) * period + 1;
        for sample in word.split(',') {
            let (count, value) = sample.split_once('*').unwrap_or(("1", sample));
            samples.extend(std::iter::repeat_n((at, value.parse()?), count.parse()?));
        }
    }
    Ok(samples)
}

#[test]
fn the_urgent_alarm_is_made_of_alarms_of_the_template() -> Result<()> {
    let Value::Tagged(rule) = resource("UrgentAlarm")?["Properties"]["AlarmRule"].clone() else {
        bail!("no rule")
    };
    let rule = rule.value.as_str().context("no rule")?.trim().to_owned();
    let alarms = alarms()?;
    for part in rule.split(" OR") {
        let name = part.trim().strip_prefix(r#"ALARM("${"#).and_then(|rest| rest.strip_suffix(r#"}")"#));
        let name = name.with_context(|| format!("{part} is no alarm"))?;
        assert!(alarms.contains_key(name), "{name}");
    }
    for urgent in ["StreamUnreadAlarm", "FastLaneOldAlarm", "MissingAlarm", "DeliveryErrorsAlarm"] {
        assert!(rule.contains(urgent), "{urgent}");
    }
    Ok(())
}

#[test]
fn alarms_watch_metrics_that_the_functions_write() -> Result<()> {
    let written: BTreeSet<_> =
        Metric::ALL.into_iter().filter(|metric| metric.is_published()).map(Metric::name).collect();
    for (name, alarm) in alarms()? {
        for watched in alarm.watched.values() {
            if let Some(metric) = watched.metric.strip_prefix("own ") {
                assert!(written.contains(metric), "{name}: nobody writes {metric}");
            }
        }
    }
    Ok(())
}

/// A percentile or a sum over one kind of period would not be what the other metrics are compared with,
/// and CloudWatch refuses it ("Alarms based on metric math": 10 metrics of one period).
#[test]
fn the_metrics_of_an_expression_have_one_period() -> Result<()> {
    for (name, Alarm { watched, .. }) in alarms()? {
        let periods: BTreeSet<_> = watched.values().map(alarm::Watched::period).collect();
        assert!(periods.len() == 1 && watched.len() <= 10, "{name}: {watched:?}");
    }
    Ok(())
}
