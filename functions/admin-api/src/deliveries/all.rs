//! The newest deliveries of several webhooks, in one list.
//!
//! Each webhook's deliveries are scanned by themselves, a few webhooks at a time, and then merged.
//! A scan that had to stop knows nothing of older deliveries, so the list ends where the first such
//! scan stopped, and the next page goes on from there. Deliveries of one event have equal positions
//! and are never parted by the end of a page: so one position is enough to go on from.
//!
//! Every scan has its share of the time, so that the first webhooks do not use up all of it. If there
//! is no time even so, the next page is this one again: behind it, what a webhook has here would
//! never be shown.

use std::cmp::Reverse;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use storehook_aws::history::{Found, Scan};
use storehook_domain::{
    history::{
        query::{DeliveryPosition, DeliveryQuery},
        record::DeliveryRecord,
    },
    webhook::Webhook,
};

use crate::{
    app::App,
    deliveries::pages::{SCANS_AT_ONCE, is_late, share_of},
    error::ApiError,
    http::caller::Caller,
};

/// How many webhooks a list is made of.
pub(crate) const WEBHOOKS_MERGED: usize = 100;

/// A page of the deliveries of several webhooks.
pub(crate) struct MergedPage {
    /// The deliveries, the newest first.
    pub(crate) records: Vec<DeliveryRecord>,
    /// The position after which the next page begins. A page may be short, or empty, although more
    /// follow.
    pub(crate) next: Option<DeliveryPosition>,
    /// How many webhooks could not be looked at.
    pub(crate) left_out: usize,
}

/// The part of a scan that was read: its deliveries, and where it stopped.
type Part = (Vec<Found>, Option<DeliveryPosition>);

/// A page of the deliveries of the caller's webhooks. Of more than [`WEBHOOKS_MERGED`], the first
/// ones are looked at.
pub(crate) async fn list_all_deliveries(
    app: &App,
    caller: &Caller,
    webhooks: &[Webhook],
    query: &DeliveryQuery,
) -> Result<MergedPage, ApiError> {
    let now = storehook_aws::now();
    let share = share_of(webhooks.len().min(WEBHOOKS_MERGED), SCANS_AT_ONCE);
    let scans = webhooks.iter().take(WEBHOOKS_MERGED).map(|webhook| async move {
        if is_late(now) {
            return Ok(None);
        }
        let scan = Scan::newest_first(webhook.id, query);
        app.deliveries.table.load_page(&scan, query.after.clone(), query.limit, share).await.map(Some)
    });
    // Boxed, or the compiler cannot tell that the whole can be sent to another thread.
    let scans = stream::iter(scans.collect::<Vec<_>>()).buffered(SCANS_AT_ONCE).boxed();
    let parts: Vec<Option<Part>> = scans.try_collect().await?;
    let left_out = webhooks.len() - parts.iter().flatten().count();
    let (found, next) = page_of(parts, query);
    let ids: Vec<_> = found.into_iter().map(|found| found.id).collect();
    let mut records = app.deliveries.load_all(caller, &ids, now).await?;
    // The index may be a moment behind, and knows nothing of overdue deliveries.
    records.retain(|record| query.state.is_none_or(|state| state == record.state));
    Ok(MergedPage { records, next, left_out })
}

/// The page that scans make. A scan that there was no time for is `None`.
fn page_of(parts: Vec<Option<Part>>, query: &DeliveryQuery) -> Part {
    let is_all = parts.iter().all(Option::is_some);
    let (found, next) = merged(parts.into_iter().flatten().collect(), query.limit);
    (found, if is_all { next } else { query.after.clone() })
}

/// The newest of several scans: `limit` of them, and those at the position of the last one.
fn merged(parts: Vec<Part>, limit: usize) -> Part {
    let end = parts.iter().filter_map(|(_, next)| next.clone()).max();
    let mut found: Vec<_> = parts.into_iter().flat_map(|(found, _)| found).collect();
    found.retain(|found| end.as_ref().is_none_or(|end| found.position >= *end));
    found.sort_by_key(|found| Reverse((found.position.clone(), found.id.webhook_id)));
    let last = limit.checked_sub(1).and_then(|last| found.get(last)).map(|last| last.position.clone());
    let kept = found.partition_point(|found| last.as_ref().is_none_or(|last| found.position >= *last));
    if kept < found.len() {
        found.truncate(kept);
        return (found, last);
    }
    (found, end)
}

#[cfg(test)]
mod tests {
    use storehook_domain::{delivery::id::DeliveryId, history::state::DeliveryState, webhook::WebhookId};

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn position(at: i64, event: &str) -> Result<DeliveryPosition, Box<dyn std::error::Error>> {
        let id = DeliveryId::of_webhook(WebhookId::new(0), event).ok_or("an event's id")?;
        Ok(DeliveryPosition::of(jiff::Timestamp::from_second(at)?, &id))
    }

    fn part(
        webhook: u64,
        found: &[(i64, &str)],
        next: Option<(i64, &str)>,
    ) -> Result<Part, Box<dyn std::error::Error>> {
        let found = found.iter().map(|(at, event)| {
            let webhook_id = WebhookId::new(webhook);
            let id = DeliveryId::of_webhook(webhook_id, event).ok_or("an event's id")?;
            let position = position(*at, event)?;
            Ok(Found { id, position, state: DeliveryState::Pending, held_for: None, latency_ms: None })
        });
        let next = next.map(|(at, event)| position(at, event)).transpose()?;
        Ok((found.collect::<Result<_, Box<dyn std::error::Error>>>()?, next))
    }

    #[test]
    fn a_page_that_lacks_a_webhook_is_the_next_one_again() -> TestResult {
        let after = position(10, "z")?;
        let query = DeliveryQuery {
            event_id: None,
            state: None,
            since: None,
            until: None,
            limit: 1,
            after: Some(after.clone()),
        };
        let part = || part(1, &[(9, "c"), (8, "b")], None);
        let (found, next) = page_of(vec![Some(part()?), None], &query);
        assert_eq!((found.len(), next), (1, Some(after)));
        let (_, next) = page_of(vec![Some(part()?)], &query);
        assert_eq!(next, Some(position(9, "c")?));
        Ok(())
    }

    #[test]
    fn the_newest_deliveries_of_all_webhooks_come_first_and_no_event_is_parted() -> TestResult {
        type Case<'a> = (&'a str, Vec<Part>, usize, &'a [&'a str], Option<(i64, &'a str)>);
        let cases: [Case<'_>; 7] = [
            ("nothing", vec![], 3, &[], None),
            (
                "all of it",
                vec![part(1, &[(9, "c"), (7, "a")], None)?, part(2, &[(8, "b")], None)?],
                3,
                &["1-c", "2-b", "1-a"],
                None,
            ),
            (
                "more than a page",
                vec![part(1, &[(9, "c"), (7, "a")], None)?, part(2, &[(8, "b")], None)?],
                2,
                &["1-c", "2-b"],
                Some((8, "b")),
            ),
            (
                "the event at the end of the page went to two webhooks",
                vec![part(1, &[(9, "c"), (7, "a")], None)?, part(2, &[(9, "c")], None)?],
                1,
                &["2-c", "1-c"],
                Some((9, "c")),
            ),
            (
                "two events at the same moment",
                vec![part(1, &[(9, "d")], None)?, part(2, &[(9, "c")], None)?],
                1,
                &["1-d"],
                Some((9, "d")),
            ),
            (
                "a scan stopped early",
                vec![part(1, &[(9, "c")], Some((8, "x")))?, part(2, &[(8, "y"), (7, "a")], None)?],
                9,
                &["1-c", "2-y"],
                Some((8, "x")),
            ),
            ("a scan found nothing yet", vec![part(1, &[], Some((8, "x")))?], 9, &[], Some((8, "x"))),
        ];
        for (what, parts, limit, expected, next) in cases {
            let (found, found_next) = merged(parts, limit);
            let ids: Vec<_> = found.iter().map(|found| found.id.to_string()).collect();
            assert_eq!(ids, expected, "{what}");
            assert_eq!(found_next, next.map(|(at, event)| position(at, event)).transpose()?, "{what}");
        }
        Ok(())
    }
}
