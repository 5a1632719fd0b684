//! Walks through a webhook's deliveries, in the order in which they were first queued.
//!
//! They are spread over several partitions of the index, which are read side by side, a
//! page of each at a time. How far each page reaches differs, so only what lies before the nearest
//! of their ends is known for sure; the rest is left for the next round, which begins there. A
//! walk can so be broken off after any round, and taken up again from its position by
//! anybody.

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

/// What a walk goes through.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    pub(crate) webhook_id: WebhookId,
    /// Only what was first queued at this time or later.
    pub(crate) since: Option<Timestamp>,
    /// Only what was first queued at this time or earlier.
    pub(crate) until: Option<Timestamp>,
    pub(crate) direction: Direction,
    /// Only what is in one of these states; none is all.
    pub(crate) states: Vec<DeliveryState>,
    /// How many deliveries of a partition a round looks at; a megabyte of them unless said.
    pub(crate) page: Option<usize>,
}

/// Which way a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    NewestFirst,
    OldestFirst,
}

/// What a round has found.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// The deliveries, in the walk's order.
    pub(crate) found: Vec<Found>,
    /// From where on the next round goes; `None` at the end.
    pub(crate) next: Option<DeliveryPosition>,
}

/// A delivery that a walk has found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) id: DeliveryId,
    pub(crate) position: DeliveryPosition,
    pub(crate) state: DeliveryState,
    pub(crate) latency_ms: Option<u64>,
}

impl DeliveryStore {
    /// The walk's next round, after this position.
    pub(crate) async fn round(
        &self,
        walk: &Walk,
        after: Option<&DeliveryPosition>,
        now: Timestamp,
    ) -> Result<Round, TableError> {
        let Some((low, high)) = walk.bounds(after) else { return Ok(Round::default()) };
        let pages = list_shards(walk.webhook_id).map(|shard| self.page(walk, shard, &low, &high));
        let pages = future::try_join_all(pages).await?;
        let ends = pages.iter().filter_map(end_of_page);
        let end = match walk.direction {
            Direction::NewestFirst => ends.max(),
            Direction::OldestFirst => ends.min(),
        };
        let mut found = Vec::new();
        for item in pages.into_iter().flat_map(|page| page.items.unwrap_or_default()) {
            let indexed: IndexedDelivery = match table::from_item(item) {
                Ok(indexed) => indexed,
                Err(error) => {
                    tracing::error!(error = storehook_aws::causes(&error), "indexed delivery does not read");
                    continue;
                }
            };
            let Ok(position) = DeliveryPosition::from_key(&indexed.position) else { continue };
            let Some(event_id) = position.event_id() else { continue };
            let is_known = end.as_ref().is_none_or(|end| match walk.direction {
                Direction::NewestFirst => position >= *end,
                Direction::OldestFirst => position <= *end,
            });
            if is_known && indexed.expires_at > now.as_second() && after != Some(&position) {
                found.push(Found {
                    id: DeliveryId { webhook_id: walk.webhook_id, event_id },
                    position,
                    state: indexed.state,
                    latency_ms: indexed.latency_ms,
                });
            }
        }
        found.sort_by(|a, b| match walk.direction {
            Direction::NewestFirst => b.position.cmp(&a.position),
            Direction::OldestFirst => a.position.cmp(&b.position),
        });
        Ok(Round { found, next: end })
    }

    /// So many of the walk's deliveries after this position, and from where on the next page goes. It may be fewer,
    /// or none, although there are more: a walk through many that it does not want takes its time.
    pub(crate) async fn page_of(
        &self,
        walk: &Walk,
        after: Option<DeliveryPosition>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<DeliveryId>, Option<DeliveryPosition>), TableError> {
        let (mut page, mut next): (Vec<Found>, _) = (Vec::new(), after);
        loop {
            let round = self.round(walk, next.as_ref(), now).await?;
            let is_cut = round.found.len() > limit - page.len();
            page.extend(round.found.into_iter().take(limit - page.len()));
            next = round.next;
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

    /// How the walk's deliveries have gone, and from where on they are not counted any more.
    pub(crate) async fn stats_of(
        &self,
        walk: &Walk,
        now: Timestamp,
    ) -> Result<(DeliveryStats, Option<DeliveryPosition>), TableError> {
        let (mut stats, mut next) = (DeliveryStats::default(), None);
        loop {
            let round = self.round(walk, next.as_ref(), now).await?;
            round.found.iter().for_each(|found| stats.count(found.state, found.latency_ms));
            next = round.next;
            if next.is_none() || is_late(now) {
                return Ok((stats, next));
            }
        }
    }

    async fn page(
        &self,
        walk: &Walk,
        shard: String,
        low: &str,
        high: &str,
    ) -> Result<QueryOutput, TableError> {
        let mut query = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .index_name(DELIVERIES_INDEX)
            .key_condition_expression("webhook_shard = :shard AND #position BETWEEN :low AND :high")
            .expression_attribute_names("#position", "position")
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":low", text(low))
            .expression_attribute_values(":high", text(high))
            .scan_index_forward(walk.direction == Direction::OldestFirst)
            // One that stands where the round begins is not of it.
            .set_limit(walk.page.and_then(|page| i32::try_from(page + 1).ok()));
        if !walk.states.is_empty() {
            let names: Vec<_> = (0..walk.states.len()).map(|index| format!(":state{index}")).collect();
            query = query
                .filter_expression(format!("#state IN ({})", names.join(", ")))
                .expression_attribute_names("#state", "state");
            for (name, state) in names.into_iter().zip(&walk.states) {
                query = query.expression_attribute_values(name, text(state.as_str()));
            }
        }
        Ok(query.send().await?)
    }
}

impl Walk {
    /// The first and the last key that the rest of the walk may have; `None` where it is over.
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

/// How long a walk goes on that is not at its end: with what is under way then, its request stays within ten
/// seconds.
const WALK_TIME: SignedDuration = SignedDuration::from_secs(5);

/// Whether a walk that began then is to end.
pub(crate) fn is_late(began: Timestamp) -> bool {
    storehook_aws::now().duration_since(began) >= WALK_TIME
}

/// Where a page ends, if more follows it.
fn end_of_page(page: &QueryOutput) -> Option<DeliveryPosition> {
    let key = page.last_evaluated_key()?.get("position")?.as_s().ok()?;
    DeliveryPosition::from_key(key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn what_is_left_of_a_walk_begins_where_it_stands() -> TestResult {
        let walk = |direction, since: Option<&str>, until: Option<&str>| -> Result<Walk, jiff::Error> {
            Ok(Walk {
                webhook_id: WebhookId::new(7),
                since: since.map(str::parse).transpose()?,
                until: until.map(str::parse).transpose()?,
                direction,
                states: vec![],
                page: None,
            })
        };
        let at = |key: &str| DeliveryPosition::from_key(key).map(Some);
        let (early, late) = (Some("1970-01-01T00:00:01Z"), Some("1970-01-01T00:00:09Z"));
        let here = "00000000005000000#e";
        for (direction, since, until, after, bounds) in [
            (Direction::NewestFirst, None, None, None, Some(("0", "~"))),
            (Direction::NewestFirst, None, None, at(here)?, Some(("0", here))),
            (Direction::OldestFirst, None, None, at(here)?, Some((here, "~"))),
            (Direction::OldestFirst, early, late, None, Some(("00000000001000000#", "00000000009000000#~"))),
            (Direction::NewestFirst, early, late, at(here)?, Some(("00000000001000000#", here))),
            (Direction::NewestFirst, late, None, at(here)?, None),
            (Direction::OldestFirst, None, early, at(here)?, None),
            (Direction::OldestFirst, late, early, None, None),
        ] {
            let found = walk(direction, since, until)?.bounds(after.as_ref());
            let found = found.as_ref().map(|(low, high)| (low.as_str(), high.as_str()));
            assert_eq!(found, bounds, "{direction:?} {since:?} {until:?} {after:?}");
        }
        Ok(())
    }
}
