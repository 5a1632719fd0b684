//! What a million deliveries cost: the table of `docs/operating.md`, computed anew.
//!
//! What the code decides is taken from the code: how large a record, a message, a request and an
//! item are, what is looked up, how long things are kept, how much memory a function has. What it
//! cannot tell is said here: AWS's list prices, how AWS counts, and the case itself.

mod measured;

use anyhow::{Context as _, Result};
use serde_json::Value;
use storehook_aws::table::{Item, size_of};
use storehook_tests::root;

use self::measured::{Measured, indexed, measure};
use crate::{
    documents::read,
    stack::template::{resource, template},
};

/// The case: how long an endpoint takes, and a call of DynamoDB or SQS with what is computed around
/// it.
const ANSWER_MS: f64 = 150.0;
const CALL_MS: f64 = 10.0;

const MILLION: f64 = 1_000_000.0;
const GB: f64 = 1_073_741_824.0;
const HOURS_PER_MONTH: f64 = 730.0;

/// The log line of an attempt that has delivered, as Lambda's JSON format has it.
const ATTEMPT_LINE: &str = concat!(
    r#"{"level":"INFO","fields":{"message":"attempt","delivery.id":"1001-6f0b54d6-4f7c-4b0f-9d5e-0c2a1f3b7e11","#,
    r#""delivery.state":"delivered","delivery.run":"event","delivery.age_ms":250,"delivery.lane":"fast","#,
    r#""webhook.id":"1001","webhook.host":"app.example.com","event.topic":"orders/create","#,
    r#""event.shop":"mynewstore.spiffystores.com","event.app":"my-app","attempt.status":200,"#,
    r#""attempt.duration_ms":160,"message.receive_count":"1"}}"#,
);
/// The runtime's span, which stands in each line twice.
const SPANS_BYTES: usize = 367;
/// A batch's other lines: fan-out's one, and of both functions Lambda's own `platform.start` and
/// `platform.report`.
const BATCH_LINES_BYTES: usize = 473 + 2 * 378;

type Table = Vec<Vec<String>>;

#[test]
fn the_cost_table_has_the_units_of_the_code_at_list_prices() -> Result<()> {
    let mut rows = rows(10)?;
    let (off, on) = (total(&rows, 4)?, total(&rows, 6)?);
    rows.push(["total", "", "", "", &off, "", &on].map(str::to_owned).to_vec());
    let text = rows.iter().map(|row| format!("| {} |", row.join(" | "))).collect::<Vec<_>>().join("\n");
    assert_eq!(told_table()?, rows, "docs/operating.md should say:\n{text}");
    Ok(())
}

#[test]
fn the_documents_sum_up_what_deliveries_and_an_idle_stack_cost() -> Result<()> {
    let (rows, alone) = (rows(10)?, rows(1)?);
    let (off, on) = (total(&rows, 4)?, total(&rows, 6)?);
    // Where concurrency is limited, Lambda never has less than five pollers ("scaling behavior for
    // SQS event source mappings"). Each asks for 20 s at a time, and there are three queues.
    let polls = 3.0 * 5.0 * 3.0 * 60.0 * HOURS_PER_MONTH;
    let document = one_line("docs/operating.md")?;
    for sentence in [
        format!("A million deliveries cost {off} with the history off and {on} with it on."),
        format!("If every batch is of one, it is {} and {}.", total(&alone, 4)?, total(&alone, 6)?),
        format!("{} a month for the stream", dollars(0.04 * HOURS_PER_MONTH)),
        format!("{} for Lambda's polling", dollars(0.40 * polls / MILLION)),
    ] {
        assert!(document.contains(&sentence), "{sentence}");
    }
    let sentence = format!(
        "A million deliveries cost [{off}](docs/operating.md#what-it-costs) without the history and {on} with it."
    );
    assert!(one_line("README.md")?.contains(&sentence), "{sentence}");
    Ok(())
}

#[test]
fn the_log_line_has_the_fields_that_the_code_writes() -> Result<()> {
    let line: Value = serde_json::from_str(ATTEMPT_LINE)?;
    let source = std::fs::read_to_string(root().join("functions/delivery/src/log.rs"))?;
    let (_, event) = source.split_once("tracing::info!(").context("no event")?;
    let (event, _) = event.split_once(");").context("no end of the event")?;
    let fields = event.lines().filter_map(|line| Some(line.split_once(" = ")?.0.trim()));
    let absent: Vec<_> = fields.filter(|field| line["fields"][*field].is_null()).collect();
    // What is delivered at the first attempt has none of these.
    assert_eq!(absent, ["delivery.wait_seconds", "attempt.reason", "attempt.code", "attempt.error"]);
    Ok(())
}

/// The table's rows, where each function gets so many events or messages of one webhook at once.
/// Prices are those of us-east-1 on `https://aws.amazon.com/`: `kinesis/data-streams/pricing`,
/// `lambda/pricing`, `sqs/pricing`, `dynamodb/pricing/on-demand`, `cloudwatch/pricing`,
/// `ec2/pricing/on-demand`.
fn rows(batch: usize) -> Result<Table> {
    let (off, on) = (measure(false)?, measure(true)?);
    let batches = 1.0 / batch as f64;
    let both = |component, unit, price, units| row(component, unit, price, units, units);
    let streamed = on.record.next_multiple_of(1024) as f64 * MILLION / GB;
    // Payloads are written while messages are sent.
    let fan_out = duration("FanOutFunction", batches, 2.0 * CALL_MS)?;
    let delivering = |calls| duration("DeliveryFunction", batches, ANSWER_MS + calls * CALL_MS);
    // Up to 64 KB are a request. A batch is sent, received and deleted; the last call carries no
    // messages.
    let requests = |of: &Measured| batches * (2 * (batch * of.message).div_ceil(64 * 1024) + 1) as f64;
    // Queries of an index are eventually consistent, and cost at least half a unit each. What the
    // deliveries of a batch share is read once for all of them.
    let registry_reads = batches * (0.5 + on.registry_reads as f64);
    let entry = [indexed(&on.delivery)?];
    let delivery = std::slice::from_ref(&on.delivery);
    let kept = stored(&on.payload, "HistoryPayloadDays")? + stored(delivery, "HistoryDeliveryDays")?;
    let logged = (ATTEMPT_LINE.len() + SPANS_BYTES) as f64 + batches * BATCH_LINES_BYTES as f64;
    [
        both("stream, in", "GB", "$0.08", streamed),
        both("stream, out", "GB", "$0.04", streamed),
        both("invocations of both functions", "million", "$0.20", 2.0 * batches),
        both("fan-out's time", "GB-second", "$0.0000133334", fan_out),
        row("delivery's time", "GB-second", "$0.0000133334", delivering(1.0)?, delivering(2.0)?),
        row("queue requests", "million", "$0.40", requests(&off), requests(&on)),
        row("the same, for fair queues", "million", "$0.10", requests(&off), requests(&on)),
        both("registry reads", "million", "$0.125", registry_reads),
        // The delivery is asked for, and there is none yet.
        row("history reads", "million", "$0.125", 0.0, 1.0),
        row("history writes, payloads", "million", "$0.625", 0.0, writes(&on.payload)),
        row("history writes, deliveries", "million", "$0.625", 0.0, writes(delivery) + writes(&entry)),
        row("history storage", "GB-month", "$0.25", 0.0, kept + stored(&entry, "HistoryDeliveryDays")?),
        // An index is not backed up.
        row("history backup", "GB-month", "$0.20", 0.0, kept),
        both("logs", "GB", "$0.50", logged * MILLION / GB),
        both("POSTs to the internet", "GB", "$0.09", on.request as f64 * MILLION / GB),
    ]
    .into_iter()
    .collect()
}

/// A row's cells. Units are to a thousandth, or whole where they are many; costs are of what is
/// told.
fn row(component: &str, unit: &str, price: &str, off: f64, on: f64) -> Result<Vec<String>> {
    let told = |units: f64| if units >= 100.0 { units.round() } else { (units * 1_000.0).round() / 1_000.0 };
    let (off, on, dollars_each) = (told(off), told(on), number(price)?);
    let (off_cost, on_cost) = (dollars(off * dollars_each), dollars(on * dollars_each));
    let (off, on) = (off.to_string(), on.to_string());
    Ok([component, unit, price, &off, &off_cost, &on, &on_cost].map(str::to_owned).to_vec())
}

/// The gigabyte-seconds of a million deliveries, of which so many a batch take so long together.
fn duration(function: &str, batches: f64, milliseconds: f64) -> Result<f64> {
    let memory = resource(function)?["Properties"]["MemorySize"].as_u64().context("no memory")?;
    Ok(batches * MILLION * milliseconds / 1_000.0 * memory as f64 / 1_024.0)
}

/// How many units it takes to write these items.
fn writes(items: &[Item]) -> f64 {
    items.iter().map(|item| size_of(item).div_ceil(1024)).sum::<usize>() as f64
}

/// The gigabyte-months of a million of these items, kept for as many days as this parameter says.
fn stored(items: &[Item], days: &str) -> Result<f64> {
    let days = template()?["Parameters"][days]["Default"].as_u64().context("no default")?;
    // With each, DynamoDB stores 100 bytes of its own.
    let bytes: usize = items.iter().map(|item| size_of(item) + 100).sum();
    Ok(bytes as f64 * MILLION / GB * (days * 24) as f64 / HOURS_PER_MONTH)
}

/// The sum of a table's column.
fn total(table: &Table, column: usize) -> Result<String> {
    let costs = table.iter().map(|row| number(&row[column])).collect::<Result<Vec<_>>>()?;
    Ok(dollars(costs.iter().sum()))
}

/// An amount, to the cent.
fn dollars(amount: f64) -> String {
    let cents = (amount * 100.0).round() as u64;
    format!("${}.{:02}", cents / 100, cents % 100)
}

fn number(cell: &str) -> Result<f64> {
    cell.trim_start_matches('$').parse().with_context(|| format!("{cell} is no number"))
}

/// The cells of the document's table.
fn told_table() -> Result<Table> {
    let document = read("docs/operating.md")?;
    let lines = document.lines().skip_while(|line| !line.starts_with("| per million deliveries |")).skip(2);
    let rows = lines.map_while(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    Ok(rows.map(cells).collect())
}

/// A document in one line, so that a sentence is found wherever it wraps.
fn one_line(document: &str) -> Result<String> {
    Ok(read(document)?.split_whitespace().collect::<Vec<_>>().join(" "))
}
