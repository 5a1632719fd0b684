//! The probe of a step: the newest held delivery that is not one of the latest probes.

use storehook_aws::history::{Direction, Scan};
use storehook_domain::{
    delivery::{id::DeliveryId, lane::Lane},
    history::{held_for::HeldFor, state::DeliveryState},
    job::recovery::{
        Recovery,
        probe::{Opening, PROBED_KEPT},
    },
    webhook::WebhookKey,
};

use crate::{Dependencies, jobs::JobError, queue::NotSent, times::Times};

/// How many deliveries of a shard of the index are read at once.
const PAGE: usize = 50;

impl Dependencies {
    /// Sends a held delivery as a probe. Returns it, or `None` if nothing is held that can be sent.
    ///
    /// If each held delivery is one of the latest probes, the earliest of these is sent again.
    pub(super) async fn send_probe(
        &self,
        webhook: &WebhookKey,
        recovery: &Recovery,
        opening: &Opening,
        times: Times,
    ) -> Result<Option<DeliveryId>, JobError> {
        let run = recovery.next_probe(opening);
        let mut probed = Vec::new();
        let scan = Scan {
            webhook_id: webhook.id,
            since: Some(recovery.from),
            until: None,
            direction: Direction::NewestFirst,
            states: vec![DeliveryState::Held],
            page: Some(PAGE),
        };
        let mut after = None;
        loop {
            let now = (times.clock)();
            let scanned = self.history.load_step(&scan, after.as_ref(), now).await?;
            for found in scanned.found.into_iter().filter(|found| found.held_for == Some(HeldFor::Failing)) {
                if opening.probed.contains(&found.id) {
                    probed.push(found.id);
                } else if self.send_as_probe(webhook, &found.id, &run, times).await? {
                    return Ok(Some(found.id));
                }
            }
            after = scanned.next;
            if after.is_none() || probed.len() >= PROBED_KEPT {
                break;
            }
            if times.are_up() {
                // Nobody knows yet that nothing is held: the step comes again.
                return Err(NotSent::OutOfTime.into());
            }
        }
        probed.sort_by_key(|id| opening.probed.iter().position(|probed| probed == id));
        for id in probed {
            if self.send_as_probe(webhook, &id, &run, times).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Sends a delivery, if it is still held and its payload is still kept.
    async fn send_as_probe(
        &self,
        webhook: &WebhookKey,
        id: &DeliveryId,
        run: &storehook_domain::delivery::run::RunId,
        times: Times,
    ) -> Result<bool, JobError> {
        let records = self.load_held(webhook, std::slice::from_ref(id), times).await?;
        Ok(self.resend(records, run, Lane::Slow, times).await?.sent > 0)
    }
}
