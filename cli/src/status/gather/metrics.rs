//! What CloudWatch knows, with one call.
//!
//! A metric of a quiet queue or function has no data points. The emulator keeps those that somebody puts
//! there, and has none of its own.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;
use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricStat},
};
use jiff::{SignedDuration, Timestamp};

/// How far back the metrics go.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// How old a data point may be that still tells how late the stream is read.
pub(super) const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// How old a data point may be that still tells the age of a queue's oldest message. There are no points of
/// an empty queue, so an older one may tell of a message that is gone.
pub(super) const FRESH_AGE: SignedDuration = SignedDuration::from_mins(5);

/// The length of a data point, in seconds: the shortest of these metrics.
const PERIOD: i32 = 60;

/// A metric.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    namespace: &'static str,
    name: &'static str,
    dimension: &'static str,
    of: String,
    statistic: &'static str,
}

impl Wanted {
    pub(super) fn oldest(queue: String) -> Self {
        Self::of("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue, "Maximum")
    }

    pub(super) fn iterator_age(function: String) -> Self {
        Self::of("AWS/Lambda", "IteratorAge", "FunctionName", function, "Maximum")
    }

    pub(super) fn arrived(stream: String) -> Self {
        Self::of("AWS/Kinesis", "IncomingRecords", "StreamName", stream, "Sum")
    }

    /// `name` is `Invocations`, `Errors` or `Throttles`.
    pub(super) fn of_function(function: String, name: &'static str) -> Self {
        Self::of("AWS/Lambda", name, "FunctionName", function, "Sum")
    }

    fn of(
        namespace: &'static str,
        name: &'static str,
        dimension: &'static str,
        of: String,
        statistic: &'static str,
    ) -> Self {
        Self { namespace, name, dimension, of, statistic }
    }

    fn query(&self, id: String) -> MetricDataQuery {
        let dimension = Dimension::builder().name(self.dimension).value(&self.of).build();
        let metric =
            Metric::builder().namespace(self.namespace).metric_name(self.name).dimensions(dimension).build();
        let stat = MetricStat::builder().metric(metric).period(PERIOD).stat(self.statistic).build();
        MetricDataQuery::builder().id(id).metric_stat(stat).build()
    }
}

/// The data points of metrics, up to a time.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    points: HashMap<Wanted, Vec<(Timestamp, f64)>>,
}

impl Metrics {
    /// Metrics with these data points.
    #[cfg(test)]
    pub(super) fn with(points: impl IntoIterator<Item = (Wanted, Vec<(Timestamp, f64)>)>) -> Self {
        Self { points: points.into_iter().collect() }
    }

    /// Loads the data points of the last hour.
    pub(super) async fn load(sdk: &SdkConfig, wanted: &[Wanted], now: Timestamp) -> Result<Self> {
        let from = now.saturating_sub(WINDOW).unwrap_or(now);
        let queries = wanted.iter().enumerate().map(|(index, wanted)| wanted.query(format!("m{index}")));
        let call = Client::new(sdk)
            .get_metric_data()
            .start_time(DateTime::from_secs(from.as_second()))
            // What is a moment old counts.
            .end_time(DateTime::from_secs(now.as_second() + i64::from(PERIOD)))
            .set_metric_data_queries(Some(queries.collect()));
        let mut pages = call.into_paginator().send();
        let mut points: HashMap<Wanted, Vec<(Timestamp, f64)>> = HashMap::new();
        while let Some(page) = pages.next().await {
            for result in page.context("CloudWatch does not respond")?.metric_data_results.unwrap_or_default()
            {
                let index = result.id().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
                let Some(wanted) = index.and_then(|index| wanted.get(index)) else { continue };
                let times =
                    result.timestamps().iter().filter_map(|time| Timestamp::from_second(time.secs()).ok());
                points.entry(wanted.clone()).or_default().extend(times.zip(result.values().iter().copied()));
            }
        }
        Ok(Self { points })
    }

    /// The value of the latest data point that is not older than this.
    pub(super) fn latest(&self, wanted: &Wanted, since: Timestamp) -> Option<u64> {
        let points = self.points.get(wanted)?.iter().filter(|(at, _)| *at >= since);
        points.max_by_key(|(at, _)| *at).map(|(_, value)| whole(*value))
    }

    /// The time of the latest data point of the last hour.
    pub(super) fn latest_at(&self, wanted: &Wanted) -> Option<Timestamp> {
        self.points.get(wanted)?.iter().map(|(at, _)| *at).max()
    }

    /// The sum of the data points between these times; `None` if there are none.
    pub(super) fn sum(&self, wanted: &Wanted, (from, to): (Timestamp, Timestamp)) -> Option<u64> {
        let points = self.points.get(wanted)?.iter().filter(|(at, _)| (from..=to).contains(at));
        let values: Vec<_> = points.map(|(_, value)| value).collect();
        (!values.is_empty()).then(|| whole(values.into_iter().sum()))
    }
}

fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}
