//! A step of a pass: it goes through the webhook's deliveries, the oldest first, sends what is held
//! and counts what waits.

use jiff::Timestamp;
use storehook_aws::history::{Direction, Found, Scan};
use storehook_domain::{
    delivery::{id::DeliveryId, lane::Lane},
    history::{held_for::HeldFor, record::DeliveryRecord, state::DeliveryState},
    job::recovery::{
        Recovery,
        pass::{CatchUp, PassCounts, PassOutcome, shrunk},
    },
    webhook::WebhookKey,
};

use crate::{Dependencies, jobs::JobError, times::Times};

/// How many deliveries of a shard of the index are read at once.
const PAGE: usize = 100;

/// How many deliveries are read and sent at the same time.
const ROUND: usize = 20;

impl Dependencies {
    /// Makes a step of a pass. It ends when it has sent its deliveries, when its time is up, or with the
    /// pass. `waiting` deliveries wait for a retry; if they take all places, the step sends nothing.
    pub(super) async fn make_pass_step(
        &self,
        webhook: &WebhookKey,
        recovery: &Recovery,
        catch_up: &CatchUp,
        waiting: u64,
        times: Times,
    ) -> Result<PassOutcome, JobError> {
        let size = catch_up.step_size(waiting, times.now, &self.recovery);
        let after = catch_up.pass.after.clone();
        if size == 0 {
            self.health.put_waiting(webhook, shrunk(waiting, &self.recovery)).await?;
            return Ok(PassOutcome { next: after, is_full: true, ..PassOutcome::default() });
        }
        let scan = Scan {
            webhook_id: webhook.id,
            since: Some(recovery.from),
            // Later deliveries are for the next pass: otherwise this one might never end.
            until: Some(catch_up.pass.began_at),
            direction: Direction::OldestFirst,
            states: vec![DeliveryState::Held, DeliveryState::Retrying],
            page: Some(PAGE),
        };
        let mut outcome = PassOutcome { next: after, ..PassOutcome::default() };
        loop {
            let scanned = self.history.load_step(&scan, outcome.next.as_ref(), (times.clock)()).await?;
            for round in scanned.found.chunks(ROUND) {
                let left = size.saturating_sub(outcome.counts.sent);
                outcome.counts =
                    outcome.counts.plus(self.send_held(webhook, recovery, round, left, times).await?);
                outcome.next = round.last().map(|last| last.position.clone());
                outcome.oldest = outcome.oldest.or_else(|| oldest_of(round));
                outcome.took = times.elapsed();
                if outcome.counts.sent >= size || times.are_up_for_step() {
                    return Ok(outcome);
                }
            }
            outcome.next = scanned.next;
            outcome.took = times.elapsed();
            if outcome.next.is_none() {
                let waiting = catch_up.pass.counts.plus(outcome.counts).waiting;
                self.health.put_waiting(webhook, waiting).await?;
                return Ok(outcome);
            }
            if times.are_up_for_step() {
                return Ok(outcome);
            }
        }
    }

    /// Sends at most `left` of the round's held deliveries, and counts.
    async fn send_held(
        &self,
        webhook: &WebhookKey,
        recovery: &Recovery,
        round: &[Found],
        left: u64,
        times: Times,
    ) -> Result<PassCounts, JobError> {
        let waiting = round.iter().filter(|found| found.state == DeliveryState::Retrying).count();
        let held = round.iter().filter(|found| found.held_for == Some(HeldFor::Failing));
        let ids: Vec<_> = held.map(|found| found.id.clone()).collect();
        let mut records = self.load_held(webhook, &ids, times).await?;
        let held = records.len();
        records.truncate(left.try_into().unwrap_or(usize::MAX));
        let resent = self.resend(records, &recovery.catch_up_run(), Lane::Slow, times).await?;
        // A delivery that will never be sent, because its payload is gone for example, does not count as
        // held.
        let held = (held as u64).saturating_sub(resent.expired + resent.unsendable);
        Ok(PassCounts { held, sent: resent.sent, waiting: waiting as u64 })
    }

    /// The records of those deliveries that are still held for `failing`.
    pub(super) async fn load_held(
        &self,
        webhook: &WebhookKey,
        ids: &[DeliveryId],
        times: Times,
    ) -> Result<Vec<DeliveryRecord>, JobError> {
        let now = (times.clock)();
        let records = self.history.load_all(ids).await?.into_iter();
        let ours = records.filter_map(|record| record.seen_by(&webhook.shop, &webhook.app, now));
        Ok(ours.filter(|record| record.held_for == Some(HeldFor::Failing)).collect())
    }
}

/// When the oldest delivery of a round was queued that the next pass must see.
fn oldest_of(round: &[Found]) -> Option<Timestamp> {
    let is_kept =
        |found: &&Found| found.state == DeliveryState::Retrying || found.held_for == Some(HeldFor::Failing);
    round.iter().find(is_kept).map(|found| found.position.created_at())
}
