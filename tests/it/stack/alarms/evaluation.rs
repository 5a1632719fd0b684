//! What CloudWatch makes of an alarm's points: statistics, periods, missing points, and the state.
//!
//! Sources in the Amazon CloudWatch User Guide: "Alarm evaluation", "Configuring how CloudWatch alarms
//! treat missing data", "Alarm evaluation window", and "Percentiles" of "CloudWatch statistics
//! definitions".

use anyhow::{Context as _, Result, bail, ensure};

use super::expression::Series;

/// The samples of a metric, each with the second at which it was taken.
pub(super) type Samples = Vec<(i64, f64)>;

/// How an alarm's state follows from its points.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// How many points are looked at, and how many of them must breach.
    pub(super) periods: usize,
    pub(super) to_alarm: usize,
    pub(super) comparison: String,
    pub(super) threshold: f64,
    pub(super) missing: String,
}

/// The points of a metric: a value for each period of this many seconds that ends by `now`. A window
/// that slides ends now. One of the clock ends at a multiple of the period.
pub(super) fn points(
    samples: &Samples,
    statistic: &str,
    period: i64,
    is_of_clock: bool,
    now: i64,
    count: usize,
) -> Result<Series> {
    let end = if is_of_clock { now - now.rem_euclid(period) } else { now };
    let windows = (1..=count as i64).rev().map(|back| end - back * period..end - (back - 1) * period);
    windows
        .map(|window| {
            let values = samples.iter().filter(|(at, _)| window.contains(at)).map(|(_, value)| *value);
            statistic_of(values.collect(), statistic)
        })
        .collect()
}

/// A statistic of the samples of a period; `None` if there are none.
fn statistic_of(mut values: Vec<f64>, statistic: &str) -> Result<Option<f64>> {
    if values.is_empty() {
        return Ok(None);
    }
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    Ok(Some(match statistic {
        "Sum" => values.iter().sum(),
        "Minimum" => values[0],
        "Maximum" => values[last],
        percentile => {
            let percent: f64 =
                percentile.strip_prefix('p').with_context(|| format!("no statistic {statistic}"))?.parse()?;
            let rank = (values.len() as f64 * percent / 100.0).ceil() as usize;
            values[rank.saturating_sub(1).min(last)]
        }
    }))
}

impl Rule {
    /// How many points CloudWatch looks at: more than it needs, to find enough that are there. It
    /// documents 5 for 3.
    pub(super) fn range(&self) -> usize {
        self.periods + 2
    }

    /// Whether the alarm is on, by these points of its evaluation range.
    pub(super) fn is_on(&self, points: &Series) -> Result<bool> {
        ensure!(points.len() == self.range(), "{} points", points.len());
        let is_breaching: fn(f64, f64) -> bool = match self.comparison.as_str() {
            "GreaterThanThreshold" => |value, threshold| value > threshold,
            "GreaterThanOrEqualToThreshold" => |value, threshold| value >= threshold,
            "LessThanThreshold" => |value, threshold| value < threshold,
            other => bail!("no comparison {other}"),
        };
        let breaches_if_missing = match self.missing.as_str() {
            "breaching" => true,
            "notBreaching" => false,
            other => bail!("no treatment {other}"),
        };
        // The latest points that are there; missing ones are used as few times as possible.
        let there = points.iter().rev().flatten().take(self.periods);
        let there: Vec<_> = there.map(|value| is_breaching(*value, self.threshold)).collect();
        let absent = if breaches_if_missing { self.periods - there.len() } else { 0 };
        Ok(there.iter().filter(|breaches| **breaches).count() + absent >= self.to_alarm)
    }
}

/// The tables of "Configuring how CloudWatch alarms treat missing data": `X` breaches, `0` does not.
#[test]
fn missing_points_count_as_cloudwatch_documents_it() -> Result<()> {
    for (to_alarm, points, if_breaching, if_not) in [
        (3, "0 - X - X", false, false),
        (3, "0 - - - -", false, false),
        (3, "- - - - -", true, false),
        (3, "0 X X - X", true, true),
        (3, "- - X X X", true, true),
        (2, "0 - X - X", true, true),
        (2, "0 0 X 0 X", true, true),
        (2, "0 - X - -", true, false),
        (2, "- - - - 0", true, false),
        (2, "- - - - X", true, false),
    ] {
        let series: Series =
            points.split(' ').map(|point| (point != "-").then_some(f64::from(point == "X"))).collect();
        for (missing, is_on) in [("breaching", if_breaching), ("notBreaching", if_not)] {
            let rule = Rule {
                periods: 3,
                to_alarm,
                comparison: "GreaterThanThreshold".to_owned(),
                threshold: 0.5,
                missing: missing.to_owned(),
            };
            assert_eq!(rule.is_on(&series)?, is_on, "{to_alarm} of {points}, missing are {missing}");
        }
    }
    Ok(())
}

#[test]
fn samples_become_points_by_their_period_and_statistic() -> Result<()> {
    let samples: Samples = vec![(0, 1.0), (59, 2.0), (60, 3.0), (130, 4.0), (170, 5.0)];
    for (statistic, is_of_clock, now, expected) in [
        ("Sum", false, 180, [Some(3.0), Some(3.0), Some(9.0)]),
        ("Sum", false, 190, [Some(5.0), None, Some(9.0)]),
        ("Sum", true, 190, [Some(3.0), Some(3.0), Some(9.0)]),
        ("Maximum", false, 180, [Some(2.0), Some(3.0), Some(5.0)]),
        ("Minimum", false, 180, [Some(1.0), Some(3.0), Some(4.0)]),
        ("p50", false, 180, [Some(1.0), Some(3.0), Some(4.0)]),
        ("p99", false, 180, [Some(2.0), Some(3.0), Some(5.0)]),
    ] {
        assert_eq!(points(&samples, statistic, 60, is_of_clock, now, 3)?, expected, "{statistic} at {now}");
    }
    Ok(())
}
