//! The runbook's table of a sale day, computed anew: what to raise at 10, 100 and 1,000 times the load.

use anyhow::{Context as _, Result};
use storehook_domain::delivery::schedule::AGES;

use super::read;

/// The usual day: events a second, their size, webhooks of each, and how long a batch takes: an
/// endpoint's 150 ms, and two calls of 10 ms.
const EVENTS: f64 = 10.0;
const EVENT_KB: f64 = 5.0;
const WEBHOOKS: f64 = 2.0;
const BATCH_SECONDS: f64 = 0.17;

/// What a shard takes a second, in KB and in records, and how much of it the table uses.
const SHARD_KB: f64 = 1_024.0;
const SHARD_RECORDS: f64 = 1_000.0;
const USED: f64 = 0.7;

/// How many messages may be in flight in a queue ("Amazon SQS standard queue quotas").
const IN_FLIGHT: f64 = 120_000.0;

#[test]
fn the_table_of_a_sale_day_adds_up() -> Result<()> {
    let table = read("docs/runbook.md")?;
    let rows = table.lines().skip_while(|line| !line.starts_with("| | usual |")).skip(2);
    let rows = rows.map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let told: Vec<Vec<_>> = rows.map(|row| row.split(" | ").map(str::to_owned).collect()).collect();
    let expected: Vec<Vec<_>> = computed()?;
    let text: Vec<_> = expected.iter().map(|row| format!("| {} |", row.join(" | "))).collect();
    assert_eq!(told, expected, "docs/runbook.md should say:\n{}", text.join("\n"));
    Ok(())
}

fn computed() -> Result<Vec<Vec<String>>> {
    let (payload_writes, delivery_writes) =
        (units("history writes, payloads")?, units("history writes, deliveries")?);
    let registry_reads = units("registry reads")?;
    // Of the writes of a delivery, one is its entry in the index.
    let delivery_writes = delivery_writes - 1.0;
    // A failing message is in flight until the fast lane's second attempt and the wait after it.
    let fills = IN_FLIGHT / AGES[2] as f64;
    let times = [1.0, 10.0, 100.0, 1_000.0];
    let row = |name: &str, cell: &dyn Fn(f64, f64) -> String| -> Vec<String> {
        let cells = times.map(|times| cell(EVENTS * times, EVENTS * WEBHOOKS * times));
        [name.to_owned()].into_iter().chain(cells).collect()
    };
    // A rounding error must not be one more.
    let up = |number: f64| thousands((number - 1e-6).ceil());
    Ok(vec![
        row("events a second", &|events, _| up(events)),
        row("deliveries a second", &|_, deliveries| up(deliveries)),
        row("shards (`ShardCount`)", &|events, _| {
            up((events * EVENT_KB / SHARD_KB / USED).max(events / SHARD_RECORDS / USED))
        }),
        // The parameter is at least 2.
        row("batches of first attempts at once (`DeliveryConcurrency`)", &|_, deliveries| {
            up((deliveries * BATCH_SECONDS / 10.0).max(2.0))
        }),
        row("the same with batches of one", &|_, deliveries| up(deliveries * BATCH_SECONDS)),
        row("failing deliveries a second that fill the fast lane", &|_, _| up(fills)),
        row("their share of all", &|_, deliveries| {
            if deliveries < fills {
                "never".to_owned()
            } else {
                format!("{:.0} %", fills / deliveries * 100.0)
            }
        }),
        row("writes of the history a second", &|events, deliveries| {
            up(events * payload_writes + deliveries * delivery_writes)
        }),
        row("writes of its index a second", &|_, deliveries| up(deliveries)),
        row("reads of the registry a second, at most", &|_, deliveries| up(deliveries * registry_reads)),
    ])
}

/// The units of a delivery in the cost table, with the history on.
fn units(component: &str) -> Result<f64> {
    let document = read("docs/operating.md")?;
    let row = document.lines().find(|line| line.starts_with(&format!("| {component} |")));
    let cell = row.and_then(|row| row.split('|').nth(6)).with_context(|| format!("no row {component}"))?;
    Ok(cell.trim().parse()?)
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}
