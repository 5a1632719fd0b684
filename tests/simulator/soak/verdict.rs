//! Whether a soak shows what it is to show.

use super::{
    ended::{Ended, Size},
    plan::Plan,
};
use crate::faults::Rates;

/// One delivery in so many may come twice if there are no faults.
const RARELY: u64 = 10_000;

/// How much more memory the last third of all days may use than the one before, as a part of it.
const GROWTH: f64 = 0.25;

/// The item with the count of queued messages, which stays.
const QUEUED: &str = "QUEUED";

/// Each reason for which a run is void.
pub(super) fn reasons(plan: &Plan, ended: &Ended) -> Vec<String> {
    let Ended { receipts, books, left, .. } = ended;
    let mut reasons = receipts.wrong.clone();
    let mut unless = |is_so: bool, reason: String| {
        if !is_so {
            reasons.push(reason);
        }
    };
    unless(ended.is_quiet, "it never became quiet".to_owned());
    unless(books.lost == 0, format!("{} deliveries are lost", books.lost));
    unless(
        receipts.published == books.ended(),
        format!("{} deliveries were published, and {} ended", receipts.published, books.ended()),
    );
    unless(left.rejected == 0, format!("{} records or jobs were rejected", left.rejected));
    let has_faults = plan.rates != Rates::NONE;
    unless(
        has_faults || books.twice * RARELY <= receipts.published,
        format!("{} came twice, without faults", books.twice),
    );
    if let Some(kept_days) = plan.kept_days {
        unless(left.history == 0, format!("{} items of the history have not expired", left.history));
        let expected = |key: &&String| key.contains(QUEUED);
        let registry: Vec<_> = left.registry.iter().filter(|key| !expected(key)).collect();
        unless(registry.is_empty(), format!("items of the registry have not expired: {registry:?}"));
        unless(left.letters == 0, format!("{} dead letters are left", left.letters));
        let is_long = plan.time.as_secs() >= 3 * 86_400 * u64::from(kept_days);
        for (name, size) in [("items", items as fn(&Size) -> u64), ("bytes of memory", resident)] {
            let [before, last] = largest(&ended.sizes, plan, size);
            let is_flat = last as f64 <= before as f64 * (1.0 + GROWTH);
            unless(is_flat || !is_long, format!("{before} {name} have become {last}"));
        }
    }
    reasons
}

fn items(size: &Size) -> u64 {
    (size.items + size.open) as u64
}

fn resident(size: &Size) -> u64 {
    size.resident.unwrap_or_default()
}

/// The largest size in the second third of the days with events, and in the last one.
fn largest(sizes: &[Size], plan: &Plan, size: fn(&Size) -> u64) -> [u64; 2] {
    let days = sizes.len().min((plan.time.as_secs() / 86_400) as usize);
    [days / 3..days * 2 / 3, days * 2 / 3..days]
        .map(|days| sizes[days].iter().map(size).max().unwrap_or_default())
}
