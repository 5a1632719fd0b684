//! Scans of the index of deliveries that end within a request.

use jiff::{SignedDuration, Timestamp};
use storehook_aws::{
    history::{Found, Scan},
    table::TableError,
};
use storehook_domain::history::query::DeliveryPosition;

use crate::deliveries::store::DeliveryStore;

impl DeliveryStore {
    /// Hands over the deliveries of a scan, one by one. Returns the position where it stopped, if it
    /// did so before the end. It reads for this `time`, and once at least.
    pub(crate) async fn scan(
        &self,
        scan: &Scan,
        time: SignedDuration,
        mut each: impl FnMut(Found),
    ) -> Result<Option<DeliveryPosition>, TableError> {
        let (now, mut next) = (storehook_aws::now(), None);
        loop {
            let step = self.table.load_step(scan, next.as_ref(), now).await?;
            step.found.into_iter().for_each(&mut each);
            next = step.next;
            if next.is_none() || has_passed(time, now) {
                return Ok(next);
            }
        }
    }
}

/// When a scan stops before its end. Its last step may take a few seconds more, and the request
/// must end within ten.
pub(crate) const SCAN_TIME: SignedDuration = SignedDuration::from_secs(5);

/// How many webhooks are scanned at the same time.
pub(crate) const SCANS_AT_ONCE: usize = 8;

/// Whether a scan that began at this time must stop.
pub(crate) fn is_late(began: Timestamp) -> bool {
    has_passed(SCAN_TIME, began)
}

/// How long each of several scans may take if so many are made at the same time. So the first ones
/// do not use up all of the time.
pub(crate) fn share_of(scans: usize, at_once: usize) -> SignedDuration {
    let rounds = scans.div_ceil(at_once).max(1);
    SCAN_TIME / i32::try_from(rounds).unwrap_or(i32::MAX)
}

/// Whether this time has passed since then.
fn has_passed(time: SignedDuration, since: Timestamp) -> bool {
    storehook_aws::now().duration_since(since) >= time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scan_has_its_share_of_the_time() {
        for (scans, ms) in [(0, 5_000), (1, 5_000), (8, 5_000), (9, 2_500), (100, 384)] {
            assert_eq!(share_of(scans, 8).as_millis(), ms, "{scans}");
        }
    }
}
