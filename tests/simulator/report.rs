//! The table of results, as Markdown.

use std::{fmt::Write as _, time::Duration};

use crate::{results::Results, scale::Scale, scenarios::Scenario};

/// One row: a scenario, its baseline, and its results.
pub(crate) struct Row<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) alone: &'a Results,
    pub(crate) results: &'a Results,
}

const HEAD: &str = "\
| scenario | healthy p99 alone | healthy p99 | first POSTs missing | in flight, fast lane | in flight, slow lane | POSTs in trouble | receives | writes | delivered | dead | held | waiting | twice | lost |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// The table. Counts are those of the scaled simulation but what is in flight, which is told at
/// full size.
pub(crate) fn table(rows: &[Row<'_>], scale: Scale) -> String {
    let mut table = HEAD.to_owned();
    for Row { scenario, alone, results } in rows {
        let full = |in_flight: usize| thousands((in_flight as f64 * scale.0) as u64);
        let fates = results.fates;
        let cells = [
            scenario.title.to_owned(),
            time(alone.first_post.p99),
            time(results.first_post.p99),
            thousands(results.unseen),
            full(results.most_in_flight_fast),
            full(results.most_in_flight_slow),
            thousands(results.troubled_posts),
            thousands(results.receives),
            thousands(results.writes),
            thousands(fates.delivered),
            thousands(fates.dead),
            thousands(fates.held),
            thousands(fates.waiting),
            thousands(results.duplicates),
            thousands(fates.lost),
        ];
        // Writing to a string does not fail.
        _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    table
}

fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 10.0 => format!("{seconds:.1} s"),
        seconds if seconds < 600.0 => format!("{seconds:.0} s"),
        seconds if seconds < 36_000.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.0} h", seconds / 3_600.0),
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
        for (seconds, text) in [(0.25, "0.2 s"), (59.6, "60 s"), (3_599.0, "60 min"), (86_400.0, "24 h")] {
            assert_eq!(time(Duration::from_secs_f64(seconds)), text);
        }
    }
}
