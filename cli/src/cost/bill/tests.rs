//! Bills of many cases.

use super::*;
use crate::cost::case::Kept;

fn units(case: &Case, component: &str) -> Result<f64> {
    let rows = usage(case)?;
    Ok(rows.iter().filter(|row| row.component == component).map(|row| row.units).sum())
}

#[test]
fn twice_as_much_costs_twice_as_much() -> Result<()> {
    let once = Case { failed_attempts: 100_000.0, ..Case::default() };
    let twice = Case {
        events: 2.0 * once.events,
        deliveries: 2.0 * once.deliveries,
        failed_attempts: 2.0 * once.failed_attempts,
        ..once.clone()
    };
    let (once, twice) = (usage(&once)?, usage(&twice)?);
    for (once, twice) in once.iter().zip(&twice) {
        assert!((2.0 * once.units - twice.units).abs() <= 1.0 + once.units / 1_000.0, "{once:?} {twice:?}");
    }
    assert_eq!(idle(&Case::default()).len(), 4);
    assert_eq!(idle(&Case { has_dashboard: true, ..Case::default() }).len(), 5);
    Ok(())
}

#[test]
fn what_a_case_has_more_of_shows_in_its_units() -> Result<()> {
    let usual = Case::default();
    for (case, component, more) in [
        (Case { deliveries: 2e6, ..usual.clone() }, "POSTs to the internet", true),
        // The second webhook of an event needs no second payload.
        (Case { deliveries: 2e6, ..usual.clone() }, "history writes, payloads", false),
        (Case { failed_attempts: 1e6, ..usual.clone() }, "history writes, deliveries", true),
        (Case { failed_attempts: 1e6, ..usual.clone() }, "registry writes", true),
        (Case { payload_bytes: Some(100_000), ..usual.clone() }, "queue requests", true),
        (Case { payload_bytes: Some(100_000), ..usual.clone() }, "history storage", true),
        (Case { delivery_batch: 1.0, ..usual.clone() }, "delivery's time", true),
        (Case { response_ms: 300.0, ..usual.clone() }, "delivery's time", true),
        (Case { history: Some(Kept::days(60, 7)), ..usual.clone() }, "history storage", true),
        // Without a history, a success has a line in the log.
        (Case { history: None, ..usual.clone() }, "logs", true),
        (Case { failed_attempts: 1e6, ..usual.clone() }, "logs", true),
    ] {
        let (before, after) = (units(&usual, component)?, units(&case, component)?);
        assert_eq!(after > before, more, "{component}: {before} {after} of {case:?}");
    }
    let no_payloads = Case { history: Some(Kept::days(30, 0)), ..usual };
    assert_eq!(units(&no_payloads, "history writes, payloads")?, 0.0);
    Ok(())
}

#[test]
fn a_stream_costs_by_shards_or_on_demand() -> Result<()> {
    let shards = Case { shards: Some(4), ..Case::default() };
    let stream = |rows: Vec<Row>| -> Vec<_> {
        rows.into_iter()
            .filter(|row| row.component.contains("stream") || row.component.contains("shard"))
            .map(|row| (row.component, row.price.unit, row.units))
            .collect()
    };
    assert_eq!(stream(idle(&shards)), [("shards, idle", "hour", 2_920.0)]);
    assert_eq!(stream(usage(&shards)?), [("stream, in", "million", 1.0)]);
    let on_demand = Case { shards: None, ..Case::default() };
    assert_eq!(stream(idle(&on_demand)), [("stream, idle", "hour", 730.0)]);
    assert_eq!(stream(usage(&on_demand)?).len(), 2);
    Ok(())
}
