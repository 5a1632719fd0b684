//! A tally as lines of the Embedded Metric Format.
//!
//! A metric has at most 100 values in a line ("Target members"), and a batch of the slow lane has at
//! most 100 attempts. A batch of aggregated records may have more events. Then further lines carry
//! the rest of the values.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{metric::Metric, tally::Tally};

/// How many values a metric has at most in a line.
const MOST_VALUES: usize = 100;

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "_aws")]
    metadata: Metadata<'a>,
    #[serde(flatten)]
    values: BTreeMap<&'static str, Value<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    timestamp: i64,
    cloud_watch_metrics: [Directive<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    /// One set, which is empty.
    dimensions: [[&'a str; 0]; 1],
    metrics: Vec<Definition>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Count(i64),
    Measured(&'a [u64]),
}

/// The lines of a tally, each with its end of line; empty if nothing was counted.
pub fn lines(tally: &Tally, namespace: &str, at: Timestamp) -> String {
    let measured = Metric::ALL.map(|metric| (metric, tally.measured(metric)));
    let mut rests: Vec<_> = measured.iter().map(|(metric, values)| (*metric, values.as_slice())).collect();
    let counts = Metric::ALL.map(|metric| (metric, tally.counted(metric)));
    // The alarm compares `Missing` with `Sent`, and CloudWatch cannot compare with what has no value.
    let is_compared = |metric| metric == Metric::Sent && tally.counted(Metric::Missing) != 0;
    let mut counts: Vec<_> =
        counts.into_iter().filter(|(metric, count)| *count != 0 || is_compared(*metric)).collect();
    let mut lines = String::new();
    loop {
        let mut values: Vec<_> =
            counts.drain(..).map(|(metric, count)| (metric, Value::Count(count))).collect();
        for (metric, rest) in &mut rests {
            let (now, later) = rest.split_at(rest.len().min(MOST_VALUES));
            if !now.is_empty() {
                values.push((*metric, Value::Measured(now)));
            }
            *rest = later;
        }
        if values.is_empty() {
            return lines;
        }
        lines += &line(&values, namespace, at);
        lines.push('\n');
    }
}

#[expect(clippy::expect_used, reason = "a struct of texts and numbers always serializes")]
fn line(values: &[(Metric, Value<'_>)], namespace: &str, at: Timestamp) -> String {
    let published = values.iter().map(|(metric, _)| *metric).filter(|metric| metric.is_published());
    let metrics = published.map(|metric| Definition { name: metric.name(), unit: metric.unit() });
    let directive = Directive { namespace, dimensions: [[]], metrics: metrics.collect() };
    let line = Line {
        metadata: Metadata { timestamp: at.as_millisecond(), cloud_watch_metrics: [directive] },
        values: values.iter().map(|(metric, value)| (metric.name(), *value)).collect(),
    };
    serde_json::to_string(&line).expect("plain data")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn printed(tally: &Tally) -> Vec<Value> {
        let lines = lines(tally, "shop \"a\"", Timestamp::from_millisecond(1_795_273_200_123).unwrap());
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn what_was_counted_is_one_line_and_nothing_is_none() {
        let mut tally = Tally::default();
        assert!(printed(&tally).is_empty());
        tally.count(Metric::Sent, 2);
        tally.count(Metric::Delivered, 0);
        tally.measure(Metric::Latency, 150);
        let mut other = Tally::default();
        other.count(Metric::Sent, 1);
        other.count(Metric::QueuedChange, -4);
        other.measure(Metric::Latency, 7);
        tally.add(&other);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_273_200_123_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "shop \"a\"",
                    "Dimensions": [[]],
                    "Metrics": [
                        {"Name": "Sent"}, {"Name": "Missing"}, {"Name": "Latency", "Unit": "Milliseconds"},
                    ],
                }],
            },
            "Sent": 3, "QueuedChange": -4, "Missing": 7, "Latency": [150, 7],
        });
        assert_eq!(printed(&tally), [expected]);
    }

    #[test]
    fn a_line_has_a_hundred_values_of_a_metric_and_the_next_ones_the_rest() {
        let mut tally = Tally::default();
        tally.count(Metric::Rejected, 1);
        (0..250).for_each(|value| tally.measure(Metric::FanOutWidth, value));
        (0..101).for_each(|value| tally.measure(Metric::Latency, value));
        let lines = printed(&tally);
        for (name, expected) in [("FanOutWidth", [100, 100, 50]), ("Latency", [100, 1, 0])] {
            let lengths: Vec<_> =
                lines.iter().map(|line| line[name].as_array().map_or(0, Vec::len)).collect();
            assert_eq!(lengths, expected, "{name}");
        }
        assert_eq!(lines[2]["FanOutWidth"][49], 249);
        let rejected: Vec<_> = lines.iter().map(|line| line["Rejected"].as_i64()).collect();
        assert_eq!(rejected, [Some(1), None, None], "a count is told once");
    }
}
