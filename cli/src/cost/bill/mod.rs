//! What a case costs: each unit that AWS charges, by what the code needs of it.

use anyhow::Result;
use storehook_aws::{
    metrics::Metric,
    table::{Item, size_of},
};
use storehook_domain::payload::limits::SQS_MESSAGE_LIMIT;

use crate::cost::{
    case::{Case, HOURS_PER_MONTH},
    log_lines,
    measured::{Measured, indexed, measure},
    prices,
    row::Row,
};

/// How long a call of DynamoDB or SQS takes with what is computed around it, in milliseconds.
pub const CALL_MS: f64 = 10.0;

/// The memory of the fan-out function and of the delivery function, in MB: the template's
/// `MemorySize`.
pub const MEMORY_MB: f64 = 512.0;

const MILLION: f64 = 1_000_000.0;
const GB: f64 = 1_073_741_824.0;

/// How many metrics the alarms of the template watch, each alarm's counted by itself.
pub const ALARM_METRICS: f64 = 30.0;

/// How many composite alarms the template has.
pub const COMPOSITE_ALARMS: f64 = 1.0;

/// How often a month the sweep counts what is queued, in as many requests.
const COUNTS: f64 = 12.0 * HOURS_PER_MONTH;
const REQUESTS_OF_A_COUNT: f64 = 3.0;

/// What a month costs even if nothing happens.
pub fn idle(case: &Case) -> Vec<Row> {
    // Where concurrency is limited, Lambda never has less than five pollers ("scaling behavior for
    // SQS event source mappings"). Each asks for 20 s at a time, and there are three queues.
    let polls = 3.0 * 5.0 * 3.0 * 60.0 * HOURS_PER_MONTH;
    let stream = match case.shards {
        None => Row::new("stream, idle", prices::STREAM_HOURS, HOURS_PER_MONTH),
        Some(shards) => Row::new("shards, idle", prices::SHARD_HOURS, f64::from(shards) * HOURS_PER_MONTH),
    };
    let requests = polls + COUNTS * REQUESTS_OF_A_COUNT;
    let mut rows = vec![
        stream,
        Row::new("polls of empty queues", prices::QUEUE_REQUESTS, requests / MILLION),
        Row::new("metrics that alarms watch", prices::ALARM_METRICS, ALARM_METRICS),
        Row::new("composite alarms", prices::COMPOSITE_ALARMS, COMPOSITE_ALARMS),
    ];
    if case.has_dashboard {
        rows.push(Row::new("dashboard", prices::DASHBOARDS, 1.0));
    }
    rows
}

/// What the metrics of a stack cost that is in use, at most: most of them are written only in hours in
/// which something is wrong, and cost for these hours.
pub fn metrics() -> Row {
    let published = Metric::ALL.into_iter().filter(|metric| metric.is_published());
    Row::new("metrics, at most", prices::METRICS, published.count() as f64)
}

/// What the events and deliveries of a case cost.
///
/// # Errors
///
/// The payload is too short to be measured, or too long to be sent.
pub fn usage(case: &Case) -> Result<Vec<Row>> {
    let parts = measure(case.payload_bytes, batch_of(case) as usize, case.history.is_some())?;
    let volumes = Volumes::of(case, &parts);
    let rows = [stream(case, &parts), functions(case, &volumes), queues(&volumes, &parts)];
    let rows = rows.into_iter().chain([tables(case, &volumes, &parts), traffic(case, &volumes, &parts)]);
    Ok(rows.flatten().collect())
}

/// How many payloads are written together: those of a batch, in whole events.
fn batch_of(case: &Case) -> f64 {
    case.event_batch.round().max(1.0)
}

/// How often what is done.
struct Volumes {
    events: f64,
    deliveries: f64,
    failed: f64,
    attempts: f64,
    /// Invocations of the fan-out function.
    fan_outs: f64,
    /// Batches that are sent: an SQS call each.
    sends: f64,
    /// Invocations of the delivery function: for first attempts, and for failed ones again.
    batches: f64,
    again: f64,
    /// How many messages a batch has.
    batch: f64,
}

impl Volumes {
    fn of(case: &Case, parts: &Measured) -> Self {
        let Case { events, deliveries, failed_attempts: failed, event_batch, delivery_batch, .. } = case;
        // A batch has 1 MiB at most.
        let most = (SQS_MESSAGE_LIMIT / parts.message).max(1) as f64;
        let batch = delivery_batch.clamp(1.0, most);
        Self {
            events: *events,
            deliveries: *deliveries,
            failed: *failed,
            attempts: deliveries + failed,
            fan_outs: events / event_batch.max(1.0),
            sends: deliveries / batch,
            batches: deliveries / batch,
            again: failed / batch,
            batch,
        }
    }
}

fn stream(case: &Case, parts: &Measured) -> Vec<Row> {
    if case.shards.is_some() {
        let units = case.events * parts.record.div_ceil(25 * 1024) as f64;
        return vec![Row::new("stream, in", prices::PUT_UNITS, units / MILLION)];
    }
    // A record counts in whole KB.
    let streamed = parts.record.next_multiple_of(1024) as f64 * case.events / GB;
    vec![
        Row::new("stream, in", prices::STREAM_IN, streamed),
        Row::new("stream, out", prices::STREAM_OUT, streamed),
    ]
}

fn functions(case: &Case, volumes: &Volumes) -> Vec<Row> {
    let Volumes { fan_outs, sends, batches, again, .. } = volumes;
    // Payloads are written while messages are sent.
    let fan_out = (fan_outs + sends) * CALL_MS;
    let calls = if case.history.is_some() { 2.0 } else { 1.0 };
    let delivery = (batches + again) * (case.response_ms + calls * CALL_MS);
    let time = |milliseconds: f64| milliseconds / 1_000.0 * MEMORY_MB / 1_024.0;
    vec![
        Row::new(
            "invocations of both functions",
            prices::INVOCATIONS,
            (fan_outs + batches + again) / MILLION,
        ),
        Row::new("fan-out's time", prices::FUNCTION_TIME, time(fan_out)),
        Row::new("delivery's time", prices::FUNCTION_TIME, time(delivery)),
    ]
}

fn queues(volumes: &Volumes, parts: &Measured) -> Vec<Row> {
    // Up to 64 KB are a request. A batch is sent, received and deleted; the last call carries no
    // messages. A failed one is hidden and comes again.
    let carried = (volumes.batch * parts.message as f64 / (64.0 * 1024.0)).ceil();
    let requests = volumes.sends * (2.0 * carried + 1.0) + volumes.again * carried + volumes.failed;
    vec![
        Row::new("queue requests", prices::QUEUE_REQUESTS, requests / MILLION),
        Row::new("the same, for fair queues", prices::FAIR_QUEUES, requests / MILLION),
    ]
}

fn tables(case: &Case, volumes: &Volumes, parts: &Measured) -> Vec<Row> {
    let Volumes { events, deliveries, failed, attempts, fan_outs, batches, again, .. } = volumes;
    // Queries of an index are eventually consistent, and cost at least half a unit each. What the
    // deliveries of a batch share is read once for all of them.
    let registry_reads = fan_outs * 0.5 + (batches + again) * parts.registry_reads as f64;
    let mut rows = vec![Row::new("registry reads", prices::READS, registry_reads / MILLION)];
    if *failed > 0.0 {
        // Each is counted.
        rows.push(Row::new("registry writes", prices::WRITES, failed / MILLION));
    }
    let Some(kept) = case.history else {
        let none = [
            ("history reads", prices::READS),
            ("history writes, payloads", prices::WRITES),
            ("history writes, deliveries", prices::WRITES),
            ("history storage", prices::STORAGE),
            ("history backup", prices::BACKUP),
        ];
        rows.extend(none.map(|(component, price)| Row::new(component, price, 0.0)));
        return rows;
    };
    let (delivery, entry) = ([parts.delivery.clone()], [indexed(&parts.delivery)]);
    let keeps_payloads = !kept.payloads.is_zero();
    let payloads = if keeps_payloads { parts.payloads.as_slice() } else { &[] };
    let batches_kept = events / batch_of(case);
    // The delivery is asked for: it is there after a failed attempt, and small.
    let written = deliveries * (writes(&delivery) + writes(&entry))
        + failed * (writes(std::slice::from_ref(&parts.failed)) + writes(&entry));
    let days = |kept: jiff::SignedDuration| kept.as_secs_f64() / 3_600.0 / HOURS_PER_MONTH;
    let months = days(kept.deliveries);
    let stored =
        batches_kept * bytes(payloads) * days(kept.payloads) + deliveries * bytes(&delivery) * months;
    rows.extend([
        Row::new("history reads", prices::READS, attempts / MILLION),
        Row::new("history writes, payloads", prices::WRITES, batches_kept * writes(payloads) / MILLION),
        Row::new("history writes, deliveries", prices::WRITES, written / MILLION),
        Row::new("history storage", prices::STORAGE, (stored + deliveries * bytes(&entry) * months) / GB),
        // An index is not backed up.
        Row::new("history backup", prices::BACKUP, stored / GB),
    ]);
    rows
}

fn traffic(case: &Case, volumes: &Volumes, parts: &Measured) -> Vec<Row> {
    let Volumes { attempts, fan_outs, batches, again, failed, batch, .. } = volumes;
    // With the history on, only a failure has a line of its own.
    let told = if case.history.is_some() { failed } else { attempts };
    let events = if *fan_outs > 0.0 { volumes.events / fan_outs } else { 0.0 };
    let logged = told * log_lines::attempt() as f64
        + fan_outs * log_lines::fan_out(events) as f64
        + (batches + again) * log_lines::delivery(*batch) as f64;
    vec![
        Row::new("logs", prices::LOGS, logged / GB),
        Row::new("POSTs to the internet", prices::INTERNET, parts.request as f64 * attempts / GB),
    ]
}

/// How many units it takes to write these items.
fn writes(items: &[Item]) -> f64 {
    items.iter().map(|item| size_of(item).div_ceil(1024)).sum::<usize>() as f64
}

/// The bytes that these items take. With each, DynamoDB stores 100 bytes of its own.
fn bytes(items: &[Item]) -> f64 {
    items.iter().map(|item| size_of(item) + 100).sum::<usize>() as f64
}

#[cfg(test)]
mod tests;
