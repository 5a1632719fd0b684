//! The tables of results, as Markdown.

use std::{fmt::Write as _, time::Duration};

use crate::{
    comparison::{Comparison, Run},
    scale::Scale,
};

const HEAD: &str = "\
| scenario | healthy p99 alone | off | on | in flight, fast lane: off | on | in flight, slow lane: off | on |
|---|---|---|---|---|---|---|---|
";

/// What healthy tenants see, and what fills the queues. Messages in flight are told at full size.
pub(crate) fn of_the_healthy(comparisons: &[Comparison], scale: Scale) -> String {
    let mut table = HEAD.to_owned();
    for Comparison { scenario, alone, runs } in comparisons {
        let [off, on] = [false, true].map(|is_on| runs.iter().find(|run| run.is_on == is_on));
        let full = |in_flight: usize| thousands((in_flight as f64 * scale.0) as u64);
        let both =
            |cell: &dyn Fn(&Run) -> String| [off, on].map(|run| run.map_or("-".to_owned(), cell)).join(" | ");
        let p99 = both(&|run| time(run.results.first_post.p99) + &missing(run.results.unseen));
        let fast = both(&|run| full(run.results.most_in_flight_fast));
        let slow = both(&|run| full(run.results.most_in_flight_slow));
        let alone = time(alone.first_post.p99);
        // Writing to a string does not fail.
        _ = writeln!(table, "| {} | {alone} | {p99} | {fast} | {slow} |", scenario.title);
    }
    table
}

const HEAD_OF_DELIVERIES: &str = "\
| scenario | breaker | POSTs to those in trouble | receives | writes | deliveries | delivered | dead | held | cancelled | waiting | lost | twice | quiet after |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// What became of all deliveries, and what it cost. These are the counts of the scaled simulation.
pub(crate) fn of_deliveries(comparisons: &[Comparison]) -> String {
    let mut table = HEAD_OF_DELIVERIES.to_owned();
    for (scenario, run) in comparisons.iter().flat_map(|all| all.runs.iter().map(|run| (&all.scenario, run)))
    {
        let (results, fates) = (&run.results, run.results.fates);
        let numbers = [
            results.troubled_posts,
            results.receives,
            results.writes,
            fates.published,
            fates.delivered,
            fates.dead,
            fates.held,
            fates.cancelled,
            fates.waiting,
            fates.lost,
            results.duplicates,
        ];
        let numbers = numbers.map(thousands).join(" | ");
        let (title, breaker) = (scenario.title, if run.is_on { "on" } else { "off" });
        let quiet = if results.is_quiet { time(results.took) } else { "not".to_owned() };
        _ = writeln!(table, "| {title} | {breaker} | {numbers} | {quiet} |");
    }
    table
}

/// How many deliveries of healthy tenants have not been attempted, if there are any.
fn missing(deliveries: u64) -> String {
    if deliveries == 0 { String::new() } else { format!(", {} not attempted", thousands(deliveries)) }
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
