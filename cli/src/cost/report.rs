//! A bill as it is printed: a table, or JSON with the same facts.

use std::fmt;

use anyhow::Result;
use serde::Serialize;
use storehook_domain::words::number::count;

use super::{
    bill::{idle, metrics, usage},
    case::Case,
    measured::sample_order,
    prices::{AS_OF, REGION},
    row::{Row, total},
};
use crate::table::{Column::*, table};

/// What a month costs.
#[derive(Debug, Clone, Serialize)]
pub struct Bill {
    month: Month,
    components: Vec<Component>,
    /// What a million deliveries cost, without what a stack costs that has none; `None` without
    /// deliveries.
    dollars_per_million_deliveries: Option<f64>,
    dollars: f64,
    prices: Prices,
}

/// The volumes of the month.
#[derive(Debug, Clone, Serialize)]
struct Month {
    events: u64,
    deliveries: u64,
    failed_attempts: u64,
    payload_bytes: usize,
    events_per_batch: f64,
    deliveries_per_batch: f64,
    response_ms: f64,
    history_delivery_days: i64,
    history_payload_days: i64,
    /// Null is a stream on demand.
    shards: Option<u32>,
    /// The days of metrics that the volumes come from; null if they were given.
    days_of_metrics: Option<u16>,
}

#[derive(Debug, Clone, Serialize)]
struct Component {
    component: &'static str,
    unit: &'static str,
    dollars_per_unit: f64,
    #[serde(skip)]
    price: &'static str,
    units: f64,
    dollars: f64,
    source: String,
}

#[derive(Debug, Clone, Serialize)]
struct Prices {
    as_of: &'static str,
    region: &'static str,
    architecture: &'static str,
}

impl Bill {
    /// The bill of a case, whose volumes come from so many days of metrics.
    ///
    /// # Errors
    ///
    /// As in [`usage`].
    pub fn of(case: &Case, days_of_metrics: Option<u16>) -> Result<Self> {
        let (mut idle, usage) = (idle(case), usage(case)?);
        if case.events + case.deliveries > 0.0 {
            idle.push(metrics());
        }
        let dollars = total(&usage) + total(&idle);
        let per_million = (case.deliveries >= 1.0).then(|| total(&usage) / case.deliveries * 1e6);
        Ok(Self {
            month: Month::of(case, days_of_metrics)?,
            components: usage.iter().chain(&idle).map(Component::of).collect(),
            dollars_per_million_deliveries: per_million.map(|dollars| (dollars * 100.0).round() / 100.0),
            dollars,
            prices: Prices { as_of: AS_OF, region: REGION, architecture: "arm64" },
        })
    }
}

impl Month {
    fn of(case: &Case, days_of_metrics: Option<u16>) -> Result<Self> {
        let tenths = |number: f64| (number * 10.0).round() / 10.0;
        let days = |kept: jiff::SignedDuration| kept.as_hours() / 24;
        let payload_bytes = match case.payload_bytes {
            Some(bytes) => bytes,
            None => sample_order()?.len(),
        };
        Ok(Self {
            events: case.events.round() as u64,
            deliveries: case.deliveries.round() as u64,
            failed_attempts: case.failed_attempts.round() as u64,
            payload_bytes,
            events_per_batch: tenths(case.event_batch),
            deliveries_per_batch: tenths(case.delivery_batch),
            response_ms: tenths(case.response_ms),
            history_delivery_days: case.history.map_or(0, |kept| days(kept.deliveries)),
            history_payload_days: case.history.map_or(0, |kept| days(kept.payloads)),
            shards: case.shards,
            days_of_metrics,
        })
    }
}

impl Component {
    fn of(row: &Row) -> Self {
        Self {
            component: row.component,
            unit: row.price.unit,
            dollars_per_unit: row.price.dollars,
            price: row.price.told,
            units: row.units,
            dollars: row.dollars(),
            source: format!("https://aws.amazon.com/{}", row.price.source),
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, deliveries, failed_attempts, response_ms, .. } = self;
        if let Some(days) = self.days_of_metrics {
            writeln!(formatter, "from {days} days of the stack's metrics:")?;
        }
        let [events, deliveries, failed] = [events, deliveries, failed_attempts].map(|number| count(*number));
        writeln!(
            formatter,
            "a month of {events} events and {deliveries} deliveries, with {failed} failed attempts"
        )?;
        writeln!(
            formatter,
            "payloads of {:.1} KB, batches of {} events and {} deliveries, responses after {response_ms} ms",
            self.payload_bytes as f64 / 1_024.0,
            self.events_per_batch,
            self.deliveries_per_batch
        )?;
        let history = match (self.history_delivery_days, self.history_payload_days) {
            (0, _) => "history off".to_owned(),
            (deliveries, payloads) => {
                format!("history of {deliveries} days, payloads of {payloads} days")
            }
        };
        match self.shards {
            None => write!(formatter, "{history}, stream on demand"),
            Some(1) => write!(formatter, "{history}, stream of one shard"),
            Some(shards) => write!(formatter, "{history}, stream of {shards} shards"),
        }
    }
}

impl fmt::Display for Bill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.components.iter().map(|row| {
            let Component { component, unit, price, units, dollars, .. } = row;
            let (units, dollars) = (units.to_string(), format!("${dollars:.2}"));
            [(*component).to_owned(), (*unit).to_owned(), (*price).to_owned(), units, dollars]
        });
        let total = ["total", "", "", "", &format!("${:.2}", self.dollars)].map(str::to_owned);
        let columns = [Left("component"), Left("unit"), Right("price"), Right("units"), Right("cost")];
        writeln!(formatter, "{}\n\n{}\n", self.month, table(columns, rows.chain([total])))?;
        if let Some(dollars) = self.dollars_per_million_deliveries {
            writeln!(formatter, "A million deliveries cost ${dollars:.2} of it.")?;
        }
        write!(
            formatter,
            "AWS's list prices of {AS_OF} for {REGION} and arm64, without free allowances and discounts.\n\
             Not in it: calls of the API, cold starts, encryption calls of KMS, the storage of logs, traces, notices of alarms, the higher price of x86_64."
        )
    }
}
