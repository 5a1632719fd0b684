//! Scans through a webhook's deliveries, in the order in which they were first queued.
//!
//! The index spreads a webhook's deliveries over several shards. A scan reads them side by side,
//! one page of each at a time. The pages end at different positions, so only deliveries before the
//! nearest end are known to be complete; the next step of the scan begins there. A scan can
//! therefore stop after any step, and anyone can continue it from its position.

use aws_sdk_dynamodb::operation::query::QueryOutput;
use futures::future;
use jiff::Timestamp;
use storehook_domain::{
    delivery::id::DeliveryId,
    history::{held_for::HeldFor, query::DeliveryPosition, state::DeliveryState},
    webhook::WebhookId,
};

use super::{
    deliveries::{DELIVERIES_INDEX, IndexedDelivery, list_shards},
    store::HistoryTable,
};
use crate::table::{self, TableError, text};

/// A scan: whose deliveries, which of them, and in which order.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Whose deliveries.
    pub webhook_id: WebhookId,
    /// Only deliveries that were first queued at this time or later.
    pub since: Option<Timestamp>,
    /// Only deliveries that were first queued at this time or earlier.
    pub until: Option<Timestamp>,
    /// In which order.
    pub direction: Direction,
    /// Only deliveries in one of these states; an empty list means all.
    pub states: Vec<DeliveryState>,
    /// How many deliveries of a shard a step reads; by default a megabyte of them.
    pub page: Option<usize>,
}

/// The order of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The newest first.
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

/// The result of one step of a scan.
#[derive(Debug, Default)]
pub struct ScanStep {
    /// The deliveries, in the scan's order.
    pub found: Vec<Found>,
    /// The position after which the next step begins; `None` at the end.
    pub next: Option<DeliveryPosition>,
}

/// A delivery in the index.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its id.
    pub id: DeliveryId,
    /// Its position among its webhook's deliveries.
    pub position: DeliveryPosition,
    /// Its state, which may be a moment old.
    pub state: DeliveryState,
    /// Why it is held, if it is.
    pub held_for: Option<HeldFor>,
    /// How long the attempt took that delivered it, in milliseconds.
    pub latency_ms: Option<u64>,
}

impl HistoryTable {
    /// Reads the next step of a scan, after this position.
    ///
    /// # Errors
    ///
    /// A call failed.
    pub async fn load_step(
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
            let indexed = table::readable::<IndexedDelivery>(item, "delivery in the index");
            let Some(indexed) = indexed else { continue };
            let Ok(position) = DeliveryPosition::from_key(&indexed.position) else { continue };
            let Some(id) = position.delivery_id(scan.webhook_id) else { continue };
            let is_known = end.as_ref().is_none_or(|end| match scan.direction {
                Direction::NewestFirst => position >= *end,
                Direction::OldestFirst => position <= *end,
            });
            if is_known && indexed.expires_at > now.as_second() && after != Some(&position) {
                let IndexedDelivery { state, held_for, latency_ms, .. } = indexed;
                found.push(Found { id, position, state, held_for, latency_ms });
            }
        }
        found.sort_by(|a, b| match scan.direction {
            Direction::NewestFirst => b.position.cmp(&a.position),
            Direction::OldestFirst => a.position.cmp(&b.position),
        });
        Ok(ScanStep { found, next: end })
    }

    async fn load_shard(
        &self,
        scan: &Scan,
        shard: String,
        low: &str,
        high: &str,
    ) -> Result<QueryOutput, TableError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
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

/// The position where a page ends, if more follow.
fn end_of_page(page: &QueryOutput) -> Option<DeliveryPosition> {
    let key = page.last_evaluated_key()?.get("position")?.as_s().ok()?;
    DeliveryPosition::from_key(key).ok()
}

#[cfg(test)]
mod tests;
