//! What a million deliveries cost: the table of `docs/operating.md`, computed anew.
//!
//! The arithmetic is that of `storehook cost`. What it takes from the template and from the log is
//! compared here.

use anyhow::{Context as _, Result};
use serde_json::Value;
use storehook::cost::{
    bill::{ALARM_METRICS, COMPOSITE_ALARMS, MEMORY_MB, idle, metrics, usage},
    case::{Case, Kept},
    log_lines::ATTEMPT_LINE,
    measured::INDEXED,
    row::{Row, total},
};
use storehook_tests::root;

use crate::{
    documents::read,
    stack::template::{resource, template},
};

#[test]
fn the_cost_table_has_the_units_of_the_code_at_list_prices() -> Result<()> {
    let (off, on) = both(10.0)?;
    let mut rows: Vec<_> = off.iter().zip(&on).map(|(off, on)| cells(off, on)).collect();
    rows.push(
        ["total", "", "", "", &dollars(total(&off)), "", &dollars(total(&on))].map(str::to_owned).to_vec(),
    );
    let text = rows.iter().map(|row| format!("| {} |", row.join(" | "))).collect::<Vec<_>>().join("\n");
    assert_eq!(told_table("| per million deliveries |")?, rows, "docs/operating.md should say:\n{text}");
    Ok(())
}

#[test]
fn the_documents_sum_up_what_deliveries_and_an_idle_stack_cost() -> Result<()> {
    let ((off, on), (alone_off, alone_on)) = (both(10.0)?, both(1.0)?);
    let idle = idle(&Case::default());
    let document = one_line("docs/operating.md")?;
    let sum = |rows: &[Row]| dollars(total(rows));
    for sentence in [
        format!("A million deliveries cost {} with the history off and {} with it on.", sum(&off), sum(&on)),
        format!("If every batch is of one, it is {} and {}.", sum(&alone_off), sum(&alone_on)),
        format!(
            "[a stack costs](#what-a-stack-costs-a-month) about {} a month",
            dollars(total(&idle)).split('.').next().unwrap_or_default()
        ),
    ] {
        assert!(document.contains(&sentence), "{sentence}");
    }
    let sentence = format!(
        "A million deliveries cost [{}](docs/operating.md#what-it-costs) without the history and {} with it.",
        sum(&off),
        sum(&on)
    );
    assert!(one_line("README.md")?.contains(&sentence), "{sentence}");
    Ok(())
}

#[test]
fn the_table_of_a_month_is_what_a_stack_costs_at_list_prices() -> Result<()> {
    let mut rows = idle(&Case { has_dashboard: true, ..Case::default() });
    let dashboard = rows.pop().context("no dashboard")?;
    let cells = |row: &Row| {
        let cost = dollars(row.dollars());
        [row.component, row.price.unit, row.price.told, &row.units.to_string(), &cost]
            .map(str::to_owned)
            .to_vec()
    };
    let mut table: Vec<_> = rows.iter().map(cells).collect();
    table.push(["an idle stack", "", "", "", &dollars(total(&rows))].map(str::to_owned).to_vec());
    table.extend([metrics(), dashboard].iter().map(cells));
    let text = table.iter().map(|row| format!("| {} |", row.join(" | "))).collect::<Vec<_>>().join("\n");
    assert_eq!(told_table("| a month |")?, table, "docs/operating.md should say:\n{text}");
    Ok(())
}

#[test]
fn the_alarms_are_those_of_the_template() -> Result<()> {
    let template = template()?;
    let (mut watched, mut composite) = (0, 0);
    for (_, resource) in template["Resources"].as_mapping().context("no resources")? {
        match resource["Type"].as_str() {
            Some("AWS::CloudWatch::CompositeAlarm") => composite += 1,
            Some("AWS::CloudWatch::Alarm") => {
                let queries = resource["Properties"]["Metrics"].as_sequence();
                watched += queries.map_or(1, |queries| {
                    queries.iter().filter(|query| !query["MetricStat"].is_null()).count()
                });
            }
            _ => {}
        }
    }
    assert_eq!((watched as f64, f64::from(composite)), (ALARM_METRICS, COMPOSITE_ALARMS));
    Ok(())
}

#[test]
fn the_case_is_that_of_the_template() -> Result<()> {
    for function in ["FanOutFunction", "DeliveryFunction"] {
        let memory = &resource(function)?["Properties"]["MemorySize"];
        assert_eq!(memory.as_u64(), Some(MEMORY_MB as u64), "{function}");
    }
    let days = |name: &str| -> Result<u16> {
        let default = template()?["Parameters"][name]["Default"].as_u64();
        Ok(default.context("no default")?.try_into()?)
    };
    let kept = Kept::days(days("HistoryDeliveryDays")?, days("HistoryPayloadDays")?);
    assert_eq!(Case::default().history, Some(kept));
    assert_eq!(Case::default().shards, Some(days("ShardCount")?.into()));
    let index = &resource("HistoryTable")?["Properties"]["GlobalSecondaryIndexes"][0];
    let keys = index["KeySchema"].as_sequence().context("no keys")?.iter().map(|key| &key["AttributeName"]);
    let projected = index["Projection"]["NonKeyAttributes"].as_sequence().context("no projection")?;
    let names = keys.chain(projected).filter_map(|name| name.as_str()).chain(["pk", "sk"]);
    assert_eq!(names.collect::<Vec<_>>(), INDEXED);
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

/// The bills of the usual case with the history off and on, where each function gets so many events
/// or messages of one webhook at once.
fn both(batch: f64) -> Result<(Vec<Row>, Vec<Row>)> {
    let on = Case { event_batch: batch, delivery_batch: batch, ..Case::default() };
    Ok((usage(&Case { history: None, ..on.clone() })?, usage(&on)?))
}

/// A row's cells.
fn cells(off: &Row, on: &Row) -> Vec<String> {
    let (off_cost, on_cost) = (dollars(off.dollars()), dollars(on.dollars()));
    let (off_units, on_units) = (off.units.to_string(), on.units.to_string());
    [on.component, on.price.unit, on.price.told, &off_units, &off_cost, &on_units, &on_cost]
        .map(str::to_owned)
        .to_vec()
}

/// An amount, to the cent.
fn dollars(amount: f64) -> String {
    let cents = (amount * 100.0).round() as u64;
    format!("${}.{:02}", cents / 100, cents % 100)
}

/// The cells of the document's table that begins so.
fn told_table(head: &str) -> Result<Vec<Vec<String>>> {
    let document = read("docs/operating.md")?;
    let lines = document.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows = lines.map_while(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    Ok(rows.map(cells).collect())
}

/// A document in one line, so that a sentence is found wherever it wraps.
fn one_line(document: &str) -> Result<String> {
    Ok(read(document)?.split_whitespace().collect::<Vec<_>>().join(" "))
}
