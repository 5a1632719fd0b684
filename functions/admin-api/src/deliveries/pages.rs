//! Pages and statistics of a webhook's deliveries: scans of the index that end within a request.

use jiff::{SignedDuration, Timestamp};
use storehook_aws::{
    history::{Found, Scan},
    table::TableError,
};
use storehook_domain::history::query::DeliveryPosition;

use crate::deliveries::store::DeliveryStore;

impl DeliveryStore {
    /// Loads up to `limit` deliveries of a scan after this position, and the position after which
    /// the next page begins. The page may be short, or empty, although more follow: a scan for rare
    /// states takes long, and a request must end. It reads for this `time`, and once at least.
    pub(crate) async fn load_page(
        &self,
        scan: &Scan,
        after: Option<DeliveryPosition>,
        limit: usize,
        time: SignedDuration,
    ) -> Result<(Vec<Found>, Option<DeliveryPosition>), TableError> {
        let now = storehook_aws::now();
        let (mut page, mut next): (Vec<Found>, _) = (Vec::new(), after);
        loop {
            let step = self.table.load_step(scan, next.as_ref(), now).await?;
            let is_cut = step.found.len() > limit - page.len();
            page.extend(step.found.into_iter().take(limit - page.len()));
            next = step.next;
            if is_cut || page.len() == limit && next.is_some() {
                next = page.last().map(|last| last.position.clone());
                break;
            }
            if next.is_none() || has_passed(time, now) {
                break;
            }
        }
        Ok((page, next))
    }

    /// Hands over the deliveries of a scan, one by one. Returns the position where it stopped, if it
    /// did so before the end.
    pub(crate) async fn scan(
        &self,
        scan: &Scan,
        now: Timestamp,
        mut each: impl FnMut(Found),
    ) -> Result<Option<DeliveryPosition>, TableError> {
        let mut next = None;
        loop {
            let step = self.table.load_step(scan, next.as_ref(), now).await?;
            step.found.into_iter().for_each(&mut each);
            next = step.next;
            if next.is_none() || is_late(now) {
                return Ok(next);
            }
        }
    }
}

/// When a scan stops before its end. Its last step may take a few seconds more, and the request
/// must end within ten.
pub(crate) const SCAN_TIME: SignedDuration = SignedDuration::from_secs(5);

/// Whether a scan that began at this time must stop.
pub(crate) fn is_late(began: Timestamp) -> bool {
    has_passed(SCAN_TIME, began)
}

/// Whether this time has passed since then.
fn has_passed(time: SignedDuration, since: Timestamp) -> bool {
    storehook_aws::now().duration_since(since) >= time
}
