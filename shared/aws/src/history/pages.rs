//! Pages of a webhook's deliveries, and how many of them are held: scans that end in time.

use jiff::{SignedDuration, Timestamp};
use storehook_domain::{
    history::{
        query::{DeliveryPosition, DeliveryQuery},
        state::DeliveryState,
    },
    webhook::WebhookId,
};

use super::{
    scan::{Direction, Found, Scan},
    store::HistoryTable,
};
use crate::{clock::now, table::TableError};

impl Scan {
    /// The scan of a webhook's deliveries that a query asks for.
    pub fn newest_first(webhook_id: WebhookId, query: &DeliveryQuery) -> Self {
        let recorded_for = |wanted| DeliveryState::recorded_for(|state| state == wanted).collect();
        Self {
            webhook_id,
            since: query.since,
            until: query.until,
            direction: Direction::NewestFirst,
            states: query.state.map(recorded_for).unwrap_or_default(),
            page: query.state.is_none().then_some(query.limit),
        }
    }
}

impl HistoryTable {
    /// Loads up to `limit` deliveries of a scan after this position, and the position after which
    /// the next page begins. The page may be short, or empty, although more follow: a scan for rare
    /// states takes long, and a request must end. It reads for this `time`, and once at least.
    ///
    /// # Errors
    ///
    /// A call failed.
    pub async fn load_page(
        &self,
        scan: &Scan,
        after: Option<DeliveryPosition>,
        limit: usize,
        time: SignedDuration,
    ) -> Result<(Vec<Found>, Option<DeliveryPosition>), TableError> {
        let began = now();
        let (mut page, mut next): (Vec<Found>, _) = (Vec::new(), after);
        loop {
            let step = self.load_step(scan, next.as_ref(), began).await?;
            let is_cut = step.found.len() > limit - page.len();
            page.extend(step.found.into_iter().take(limit - page.len()));
            next = step.next;
            if is_cut || page.len() == limit && next.is_some() {
                next = page.last().map(|last| last.position.clone());
                break;
            }
            if next.is_none() || has_passed(time, began) {
                break;
            }
        }
        Ok((page, next))
    }

    /// Counts a webhook's held deliveries, up to `most`. It reads for this `time`, and once at least.
    ///
    /// # Errors
    ///
    /// A call failed.
    pub async fn count_held(
        &self,
        webhook_id: WebhookId,
        most: u64,
        time: SignedDuration,
    ) -> Result<u64, TableError> {
        let scan = Scan {
            webhook_id,
            since: None,
            until: None,
            direction: Direction::NewestFirst,
            states: vec![DeliveryState::Held],
            page: None,
        };
        let (began, mut next, mut count) = (now(), None, 0);
        loop {
            let step = self.load_step(&scan, next.as_ref(), began).await?;
            count += step.found.len() as u64;
            next = step.next;
            if next.is_none() || count >= most || has_passed(time, began) {
                return Ok(count.min(most));
            }
        }
    }
}

/// Whether this time has passed since then.
fn has_passed(time: SignedDuration, since: Timestamp) -> bool {
    now().duration_since(since) >= time
}
