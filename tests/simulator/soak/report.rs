//! What a soak prints.

use std::{fmt::Write as _, time::Duration};

use super::{ended::Ended, plan::Plan};

/// The report of a run.
pub(super) fn of(plan: &Plan, ended: &Ended) -> String {
    let Ended { receipts, books, left, .. } = ended;
    let mut report = String::new();
    let part = |count: u64, of: u64| format!("{count} ({:.4} %)", 100.0 * count as f64 / of.max(1) as f64);
    let lines = [
        ("seed", plan.seed.to_string()),
        ("published", receipts.published.to_string()),
        ("delivered", books.delivered.to_string()),
        ("dead", books.dead.to_string()),
        ("cancelled", books.cancelled.to_string()),
        ("held", books.held.to_string()),
        ("lost", books.lost.to_string()),
        ("sent twice", part(books.twice, receipts.published)),
        ("of these, the endpoint had not answered", books.unanswered.to_string()),
        ("accepted and not recorded, after a fault", books.unrecorded.to_string()),
        ("copies suppressed", ended.suppressed.to_string()),
        ("POSTs", receipts.posts.to_string()),
        ("overtaken by a later event", part(receipts.overtaken, receipts.first_posts)),
        ("first POST, p50", time(receipts.to_first_post.at(0.5))),
        ("first POST, p99", time(receipts.to_first_post.at(0.99))),
        ("quiet after", quiet_after(ended.took)),
        ("dead letters left", left.letters.to_string()),
        ("items left, history", left.history.to_string()),
        ("items left, registry", left.registry.len().to_string()),
    ];
    for (name, value) in lines {
        // Writing to a string does not fail.
        _ = writeln!(report, "{name:<40} {value}");
    }
    for (fault, count) in &books.causes {
        _ = writeln!(report, "came twice, touched by {fault:<17} {count}");
    }
    for (fault, count) in &ended.faults {
        _ = writeln!(report, "fault {:<34} {count}", fault.name());
    }
    for (day, size) in (1..).zip(&ended.sizes) {
        let resident = size.resident.map_or("?".to_owned(), |bytes| format!("{} MB", bytes / 1_000_000));
        _ = writeln!(report, "day {day:<3} {:>8} items {:>8} open {resident:>8}", size.items, size.open);
    }
    report
}

fn quiet_after(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 3_600.0 => format!("{seconds:.0} s"),
        seconds => format!("{:.1} h", seconds / 3_600.0),
    }
}

fn time(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
