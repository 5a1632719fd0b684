//! The volumes of a case, from the metrics that AWS keeps of every stack.
//!
//! Kinesis counts events and their bytes, SQS counts messages, Lambda counts invocations and their
//! time. SQS counts what is sent to a queue, and not what redrive moves there. So what is sent to
//! both lanes are the deliveries. A message that was received and not deleted comes again: that is
//! a failed attempt. (Kinesis Data Streams Developer Guide, "Monitoring the Amazon Kinesis Data
//! Streams Service with Amazon CloudWatch"; SQS Developer Guide, "Available CloudWatch metrics for
//! Amazon SQS"; AWS Lambda Developer Guide, "Types of metrics for Lambda functions".)

use anyhow::{Context as _, Result, ensure};
use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricStat},
};
use jiff::{Timestamp, ToSpan as _};
use storehook_domain::payload::limits::PAYLOAD_LIMIT;

use super::{
    bill::CALL_MS,
    case::{Case, HOURS_PER_MONTH},
    measured::{SHORTEST_PAYLOAD, measure, sample_order},
};
use crate::stack::connection::Connection;

/// What a stack's metrics add up to, over some days.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    events: f64,
    event_bytes: f64,
    sent: f64,
    received: f64,
    deleted: f64,
    fan_outs: f64,
    deliverings: f64,
    delivering_ms: f64,
}

/// A metric: its namespace and name, its dimension, and the resource whose metric it is.
type Asked = (&'static str, &'static str, &'static str, &'static str);

/// The metrics, in the order in which they are added up.
const ASKED: [Asked; 11] = [
    ("AWS/Kinesis", "IncomingRecords", "StreamName", "events"),
    ("AWS/Kinesis", "IncomingBytes", "StreamName", "events"),
    ("AWS/SQS", "NumberOfMessagesSent", "QueueName", "delivery"),
    ("AWS/SQS", "NumberOfMessagesSent", "QueueName", "retry"),
    ("AWS/SQS", "NumberOfMessagesReceived", "QueueName", "delivery"),
    ("AWS/SQS", "NumberOfMessagesReceived", "QueueName", "retry"),
    ("AWS/SQS", "NumberOfMessagesDeleted", "QueueName", "delivery"),
    ("AWS/SQS", "NumberOfMessagesDeleted", "QueueName", "retry"),
    ("AWS/Lambda", "Invocations", "FunctionName", "fan-out"),
    ("AWS/Lambda", "Invocations", "FunctionName", "delivery"),
    ("AWS/Lambda", "Duration", "FunctionName", "delivery"),
];

/// A day, in seconds.
const DAY: i32 = 24 * 60 * 60;

/// Adds up a stack's metrics of the last so many days.
///
/// # Errors
///
/// CloudWatch does not respond, or refuses.
pub async fn sums(connection: &Connection, days: u16, now: Timestamp) -> Result<Sums> {
    let client = Client::new(&connection.sdk);
    let queries = ASKED.iter().enumerate().map(|(index, (namespace, name, dimension, resource))| {
        let dimension = Dimension::builder().name(*dimension).value(connection.resource(resource)).build();
        let metric = Metric::builder().namespace(*namespace).metric_name(*name).dimensions(dimension).build();
        let stat = MetricStat::builder().metric(metric).period(DAY).stat("Sum").build();
        MetricDataQuery::builder().id(format!("m{index}")).metric_stat(stat).build()
    });
    let from = now - (i64::from(days) * 24).hours();
    let call = client.get_metric_data().set_metric_data_queries(Some(queries.collect()));
    let call = call.start_time(DateTime::from_secs(from.as_second()));
    let mut pages = call.end_time(DateTime::from_secs(now.as_second())).into_paginator().send();
    let mut sums = [0.0; ASKED.len()];
    while let Some(page) = pages.next().await {
        let page = page.context("CloudWatch did not tell the stack's metrics")?;
        for result in page.metric_data_results() {
            let index = result.id().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
            if let Some(sum) = index.and_then(|index| sums.get_mut(index)) {
                *sum += result.values().iter().sum::<f64>();
            }
        }
    }
    let [events, event_bytes, sent, slow_sent, received, slow_received, deleted, slow_deleted, rest @ ..] =
        sums;
    let [fan_outs, deliverings, delivering_ms] = rest;
    Ok(Sums {
        events,
        event_bytes,
        sent: sent + slow_sent,
        received: received + slow_received,
        deleted: deleted + slow_deleted,
        fan_outs,
        deliverings,
        delivering_ms,
    })
}

impl Sums {
    /// The month that goes on as these days did. What metrics do not tell is as in `usual`.
    ///
    /// # Errors
    ///
    /// There were neither events nor deliveries.
    pub fn month(&self, days: u16, usual: &Case) -> Result<Case> {
        ensure!(
            self.events + self.sent > 0.0,
            "the stack's metrics show neither events nor deliveries in {days} days: give the volumes, \
             for example --deliveries 1000000"
        );
        let to_month = HOURS_PER_MONTH / (f64::from(days) * 24.0);
        let each = |of: f64, count: f64, otherwise: f64| if count > 0.0 { of / count } else { otherwise };
        let calls = if usual.history.is_some() { 2.0 } else { 1.0 };
        // Records have a head besides the payload, as long as that of the sample order.
        let head = measure(None, 1, false)?.record - sample_order()?.len();
        let payload = each(self.event_bytes, self.events, 0.0) as usize;
        let payload = payload.saturating_sub(head).clamp(SHORTEST_PAYLOAD, PAYLOAD_LIMIT);
        Ok(Case {
            events: self.events * to_month,
            deliveries: self.sent * to_month,
            failed_attempts: (self.received - self.deleted).max(0.0) * to_month,
            payload_bytes: if self.event_bytes > 0.0 { Some(payload) } else { usual.payload_bytes },
            event_batch: each(self.events, self.fan_outs, usual.event_batch).max(1.0),
            delivery_batch: each(self.received, self.deliverings, usual.delivery_batch).max(1.0),
            response_ms: match each(self.delivering_ms, self.deliverings, 0.0) {
                0.0 => usual.response_ms,
                took => (took - calls * CALL_MS).max(0.0),
            },
            ..usual.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_goes_on_as_the_days_did() -> Result<()> {
        let record = measure(Some(2_000), 1, false)?.record as f64;
        let sums = Sums {
            events: 1_000.0,
            event_bytes: 1_000.0 * record,
            sent: 3_000.0,
            received: 3_600.0,
            deleted: 3_000.0,
            fan_outs: 250.0,
            deliverings: 1_200.0,
            delivering_ms: 1_200.0 * 120.0,
        };
        let month = sums.month(10, &Case::default())?;
        let to_month = 730.0 / 240.0;
        let expected = Case {
            events: 1_000.0 * to_month,
            deliveries: 3_000.0 * to_month,
            failed_attempts: 600.0 * to_month,
            payload_bytes: Some(2_000),
            event_batch: 4.0,
            delivery_batch: 3.0,
            response_ms: 100.0,
            ..Case::default()
        };
        assert!(month.payload_bytes.is_some_and(|bytes| bytes.abs_diff(2_000) < 50), "{month:?}");
        assert_eq!(Case { payload_bytes: expected.payload_bytes, ..month }, expected);
        Ok(())
    }

    #[test]
    fn what_metrics_do_not_tell_is_as_usual() -> Result<()> {
        let usual = Case { payload_bytes: Some(300), ..Case::default() };
        let sums = Sums { sent: 100.0, ..Sums::default() };
        let month = sums.month(30, &usual)?;
        assert_eq!(month.events, 0.0);
        let Case { event_batch, delivery_batch, response_ms, payload_bytes, .. } = month;
        let told = (event_batch, delivery_batch, response_ms, payload_bytes);
        assert_eq!(told, (10.0, 10.0, 150.0, Some(300)));
        assert!(Sums::default().month(30, &usual).is_err());
        Ok(())
    }
}
