//! An alarm, as the template has it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use yaml_serde::Value;

use super::{
    evaluation::{Rule, Samples, points},
    expression::compute,
};
use crate::stack::template::template;

/// A metric that an alarm watches, with the statistic that it takes.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    /// `AWS/SQS ApproximateNumberOfMessagesVisible DeadLetterQueue`: namespace, name, and the resource
    /// that it is of, with the index if it is a table's. The namespace of the functions' own metrics is
    /// `own`.
    pub(super) metric: String,
    statistic: String,
    period: i64,
}

impl Watched {
    /// The seconds of its period.
    pub(super) fn period(&self) -> i64 {
        self.period
    }
}

/// An alarm of the template.
#[derive(Debug, Clone)]
pub(super) struct Alarm {
    /// The metrics, by their ids in the expression.
    pub(super) watched: BTreeMap<String, Watched>,
    /// What is computed of them; `None` if the alarm watches one metric.
    expression: Option<String>,
    rule: Rule,
    is_of_clock: bool,
}

/// All alarms of the template but the composite one, by their names in it.
pub(super) fn alarms() -> Result<BTreeMap<String, Alarm>> {
    let template = template()?;
    let resources = template["Resources"].as_mapping().context("no resources")?;
    let alarms =
        resources.iter().filter(|(_, resource)| resource["Type"].as_str() == Some("AWS::CloudWatch::Alarm"));
    alarms
        .map(|(name, resource)| {
            let name = name.as_str().context("a name")?;
            Ok((name.to_owned(), Alarm::read(&resource["Properties"]).with_context(|| name.to_owned())?))
        })
        .collect()
}

impl Alarm {
    fn read(properties: &Value) -> Result<Self> {
        let text = |name: &str| properties[name].as_str().map(str::to_owned);
        let periods = usize::try_from(properties["EvaluationPeriods"].as_u64().context("no periods")?)?;
        let (watched, expression) = match properties["Metrics"].as_sequence() {
            None => {
                let statistic = text("Statistic").or_else(|| text("ExtendedStatistic"));
                let watched = Watched {
                    metric: metric_of(properties).context("no metric")?,
                    statistic: statistic.context("no statistic")?,
                    period: properties["Period"].as_i64().context("no period")?,
                };
                ([("m".to_owned(), watched)].into(), None)
            }
            Some(queries) => (watched_by(queries)?, expression_of(queries)),
        };
        Ok(Self {
            watched,
            expression,
            rule: Rule {
                periods,
                to_alarm: properties["DatapointsToAlarm"].as_u64().map_or(periods, |points| points as usize),
                comparison: text("ComparisonOperator").context("no comparison")?,
                threshold: properties["Threshold"].as_f64().context("no threshold")?,
                missing: text("TreatMissingData").context("no treatment of missing points")?,
            },
            is_of_clock: !properties["EvaluationWindow"]["WallClockWindow"].is_null(),
        })
    }

    /// The seconds of its period.
    pub(super) fn period(&self) -> i64 {
        self.watched.values().map(Watched::period).next().unwrap_or_default()
    }

    /// Whether it is on at this second, by the samples of its metrics.
    pub(super) fn is_on(&self, samples: &BTreeMap<String, Samples>, now: i64) -> Result<bool> {
        let none = Samples::new();
        let mut series = BTreeMap::new();
        for (id, Watched { metric, statistic, period }) in &self.watched {
            let samples = samples.get(metric).unwrap_or(&none);
            let points = points(samples, statistic, *period, self.is_of_clock, now, self.rule.range())?;
            series.insert(id.clone(), points);
        }
        let points = match &self.expression {
            Some(expression) => compute(expression, &series)?,
            None => series.remove("m").context("no metric")?,
        };
        self.rule.is_on(&points)
    }
}

fn watched_by(queries: &[Value]) -> Result<BTreeMap<String, Watched>> {
    let watched = queries.iter().filter(|query| !query["MetricStat"].is_null());
    watched
        .map(|query| {
            let stat = &query["MetricStat"];
            let watched = Watched {
                metric: metric_of(&stat["Metric"]).context("no metric")?,
                statistic: stat["Stat"].as_str().context("no statistic")?.to_owned(),
                period: stat["Period"].as_i64().context("no period")?,
            };
            Ok((query["Id"].as_str().context("no id")?.to_owned(), watched))
        })
        .collect()
}

fn expression_of(queries: &[Value]) -> Option<String> {
    queries.iter().find_map(|query| Some(query["Expression"].as_str()?.to_owned()))
}

/// A metric by its name, from members `Namespace`, `MetricName` and `Dimensions`.
fn metric_of(members: &Value) -> Option<String> {
    let name = members["MetricName"].as_str()?;
    let namespace = match &members["Namespace"] {
        Value::Tagged(tagged) if tagged.tag == "!Ref" && tagged.value.as_str() == Some("AWS::StackName") => {
            "own"
        }
        namespace => namespace.as_str()?,
    };
    let mut metric = format!("{namespace} {name}");
    for dimension in members["Dimensions"].as_sequence().into_iter().flatten() {
        let of = match &dimension["Value"] {
            Value::Tagged(tagged) => tagged.value.as_str()?.split('.').next()?,
            index => index.as_str()?,
        };
        metric.extend([" ", of]);
    }
    Some(metric)
}
