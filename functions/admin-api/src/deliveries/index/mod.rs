//! Scans through a webhook's deliveries, in the order in which they were first queued.
//!
//! The index spreads a webhook's deliveries over several shards. A scan reads them side by side,
//! one page of each at a time. The pages end at different positions, so only deliveries before the
//! nearest end are known to be complete; the next step of the scan begins there. A scan can
//! therefore stop after any step, and anyone can continue it from its position.

use aws_sdk_dynamodb::operation::query::QueryOutput;
use futures::future;
use jiff::{SignedDuration, Timestamp};
use storehook_aws::{
    history::{DELIVERIES_INDEX, IndexedDelivery, list_shards},
    table::{self, TableError, text},
};
use storehook_domain::{
    delivery::id::DeliveryId,
    history::{query::DeliveryPosition, state::DeliveryState, stats::DeliveryStats},
    webhook::WebhookId,
};

use crate::deliveries::store::DeliveryStore;

/// A scan: whose deliveries, which of them, and in which order.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    pub(crate) webhook_id: WebhookId,
    /// Only deliveries that were first queued at this time or later.
    pub(crate) since: Option<Timestamp>,
    /// Only deliveries that were first queued at this time or earlier.
    pub(crate) until: Option<Timestamp>,
    pub(crate) direction: Direction,
    /// Only deliveries in one of these states; an empty list means all.
    pub(crate) states: Vec<DeliveryState>,
    /// How many deliveries of a shard a step reads; by default a megabyte of them.
    pub(crate) page: Option<usize>,
}

/// The order of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    NewestFirst,
    OldestFirst,
}

/// The result of one step of a scan.
#[derive(Debug, Default)]
pub(crate) struct ScanStep {
    /// The deliveries, in the scan's order.
    pub(crate) found: Vec<Found>,
    /// The position after which the next step begins; `None` at the end.
    pub(crate) next: Option<DeliveryPosition>,
}

/// A delivery in the index.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) id: DeliveryId,
    pub(crate) position: DeliveryPosition,
    pub(crate) state: DeliveryState,
    pub(crate) latency_ms: Option<u64>,
}

impl DeliveryStore {
    /// Reads the next step of a scan, after this position.
    pub(crate) async fn load_step(
        &self,
        scan: &Scan,
        after: Option<&DeliveryPosition>,
        now: Timestamp,
    ) -> Result<ScanStep, TableError> {
        let Some((low, high)) = scan.bounds(after) else { return Ok(ScanStep::default()) };
        let pages = list_shards(scan.webhook_id).map(|shard| self.load_shard(scan, shard, &low, &high));
        let pages = future::try_join_all(pages).await?;
        let ends = pages.iter().filter_map(end_of_page);
        let end = match scan.direction {
            Direction::NewestFirst => ends.max(),
            Direction::OldestFirst => ends.min(),
        };
        let mut found = Vec::new();
        for item in pages.into_iter().flat_map(|page| page.items.unwrap_or_default()) {
            let indexed: IndexedDelivery = match table::from_item(item) {
                Ok(indexed) => indexed,
                Err(error) => {
                    tracing::error!(error = storehook_aws::causes(&error), "malformed delivery in the index");
                    continue;
                }
            };
            let Ok(position) = DeliveryPosition::from_key(&indexed.position) else { continue };
            let Some(id) = position.delivery_id(scan.webhook_id) else { continue };
            let is_known = end.as_ref().is_none_or(|end| match scan.direction {
                Direction::NewestFirst => position >= *end,
                Direction::OldestFirst => position <= *end,
            });
            if is_known && indexed.expires_at > now.as_second() && after != Some(&position) {
                found.push(Found { id, position, state: indexed.state, latency_ms: indexed.latency_ms });
            }
        }
        found.sort_by(|a, b| match scan.direction {
            Direction::NewestFirst => b.position.cmp(&a.position),
            Direction::OldestFirst => a.position.cmp(&b.position),
        });
        Ok(ScanStep { found, next: end })
    }

    /// Loads up to `limit` deliveries of a scan after this position, and the position after which
    /// the next page begins. The page may be short or empty even if more deliveries follow: a scan
    /// for rare states takes long, and a request must end in time.
    pub(crate) async fn load_page(
        &self,
        scan: &Scan,
        after: Option<DeliveryPosition>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<DeliveryId>, Option<DeliveryPosition>), TableError> {
        let (mut page, mut next): (Vec<Found>, _) = (Vec::new(), after);
        loop {
            let step = self.load_step(scan, next.as_ref(), now).await?;
            let is_cut = step.found.len() > limit - page.len();
            page.extend(step.found.into_iter().take(limit - page.len()));
            next = step.next;
            if is_cut || page.len() == limit && next.is_some() {
                next = page.last().map(|last| last.position.clone());
                break;
            }
            if next.is_none() || is_late(now) {
                break;
            }
        }
        Ok((page.into_iter().map(|found| found.id).collect(), next))
    }

    /// Counts the deliveries of a scan. Returns the position where it stopped, if it did so before
    /// the end.
    pub(crate) async fn load_stats(
        &self,
        scan: &Scan,
        now: Timestamp,
    ) -> Result<(DeliveryStats, Option<DeliveryPosition>), TableError> {
        let (mut stats, mut next) = (DeliveryStats::default(), None);
        loop {
            let step = self.load_step(scan, next.as_ref(), now).await?;
            step.found.iter().for_each(|found| stats.count(found.state, found.latency_ms));
            next = step.next;
            if next.is_none() || is_late(now) {
                return Ok((stats, next));
            }
        }
    }

    async fn load_shard(
        &self,
        scan: &Scan,
        shard: String,
        low: &str,
        high: &str,
    ) -> Result<QueryOutput, TableError> {
        let mut query = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .index_name(DELIVERIES_INDEX)
            .key_condition_expression("webhook_shard = :shard AND #position BETWEEN :low AND :high")
            .expression_attribute_names("#position", "position")
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":low", text(low))
            .expression_attribute_values(":high", text(high))
            .scan_index_forward(scan.direction == Direction::OldestFirst)
            // The delivery at the starting position does not count.
            .set_limit(scan.page.and_then(|page| i32::try_from(page + 1).ok()));
        if !scan.states.is_empty() {
            let names: Vec<_> = (0..scan.states.len()).map(|index| format!(":state{index}")).collect();
            query = query
                .filter_expression(format!("#state IN ({})", names.join(", ")))
                .expression_attribute_names("#state", "state");
            for (name, state) in names.into_iter().zip(&scan.states) {
                query = query.expression_attribute_values(name, text(state.as_str()));
            }
        }
        Ok(query.send().await?)
    }
}

impl Scan {
    /// The first and the last key that the rest of the scan can have; `None` if nothing is left.
    fn bounds(&self, after: Option<&DeliveryPosition>) -> Option<(String, String)> {
        let mut low =
            self.since.map_or_else(String::new, |time| DeliveryPosition::start_of(time).as_key().to_owned());
        let mut high = self
            .until
            .map_or_else(|| "~".to_owned(), |time| DeliveryPosition::end_of(time).as_key().to_owned());
        if let Some(after) = after {
            match self.direction {
                Direction::NewestFirst => high = high.min(after.as_key().to_owned()),
                Direction::OldestFirst => low = low.max(after.as_key().to_owned()),
            }
        }
        // DynamoDB takes no empty key.
        if low.is_empty() {
            low = "0".to_owned();
        }
        (low <= high).then_some((low, high))
    }
}

/// When a scan stops before its end. Its last step may take a few seconds more, and the request
/// must end within ten.
const SCAN_TIME: SignedDuration = SignedDuration::from_secs(5);

/// Whether a scan that began at this time must stop.
pub(crate) fn is_late(began: Timestamp) -> bool {
    storehook_aws::now().duration_since(began) >= SCAN_TIME
}

/// The position where a page ends, if more follow.
fn end_of_page(page: &QueryOutput) -> Option<DeliveryPosition> {
    let key = page.last_evaluated_key()?.get("position")?.as_s().ok()?;
    DeliveryPosition::from_key(key).ok()
}

#[cfg(test)]
mod tests;
