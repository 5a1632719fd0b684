//! One step of a replay: as many deliveries as its pace gives a few seconds, the oldest first.
//!
//! The step reads the index of deliveries from its position on, and then the records, because the
//! index may be a moment behind and knows nothing of overdue deliveries. A delivery whose record
//! shows the replay's run was sent by an earlier try of the step: it counts and is left alone.

use futures::future;
use storehook_aws::{
    history::{Direction, Found, Scan},
    table::{self, Contended},
};
use storehook_domain::{
    delivery::{id::DeliveryId, lane::Lane},
    job::{
        message::Job,
        replay::{
            Replay,
            record::ReplayRecord,
            step::{Counts, ReplayStep, StepOutcome},
        },
        turn::Turn,
    },
    webhook::Status,
};

use crate::{Dependencies, jobs::JobError, times::Times};

/// How many deliveries are read and sent at the same time: their payloads and messages are in
/// memory at once, up to 2 MB for each.
const ROUND: usize = 80;

/// How many of them are read in one call.
const CHUNK: usize = 20;

/// How many deliveries of a shard of the index are read at once.
const PAGE: usize = 100;

impl Dependencies {
    /// Makes a step that came as this SQS message, and queues the next one.
    pub(super) async fn make_replay_step(
        &self,
        step: &ReplayStep,
        message_id: &str,
        times: Times,
    ) -> Result<(), JobError> {
        let Replay { webhook_id, id, .. } = &step.replay;
        let Some(mut record) = self.history.load_replay(*webhook_id, id, times.now).await? else {
            return Ok(());
        };
        if record.turn(step, message_id) == Turn::Make {
            let webhook = self.subscribers.load(&step.replay.webhook()).await?;
            let active = webhook.filter(|item| item.webhook.status == Status::Active);
            let Some(webhook) = active else {
                tracing::info!(replay.id = id, webhook.id = %webhook_id, "replay stopped: its webhook takes nothing");
                let Some(stopped) = record.stopped(times.now) else { return Ok(()) };
                return self.history.put_replay(&stopped).await?.then_some(()).ok_or(Contended.into());
            };
            let outcome = self.send_deliveries(step, webhook.lane.unwrap_or_default(), times).await?;
            tracing::info!(
                replay.id = id,
                webhook.id = %webhook_id,
                replay.step = step.number,
                step.found = outcome.counts.found,
                step.sent = outcome.counts.sent,
                step.expired = outcome.counts.expired,
                "replay step made"
            );
            match self.note(step, message_id, &outcome, times).await? {
                Some(noted) => record = noted,
                None => return Ok(()),
            }
        }
        if record.turn(step, message_id) == Turn::QueueNext
            && let Some((next, pause)) = record.next_step()
        {
            self.jobs_queue.send(&Job::Replay(next), &step.replay.group(), pause).await?;
        }
        Ok(())
    }

    /// Notes a step. Returns the record as it is then: another message may have noted the step
    /// first.
    async fn note(
        &self,
        step: &ReplayStep,
        message_id: &str,
        outcome: &StepOutcome,
        times: Times,
    ) -> Result<Option<ReplayRecord>, JobError> {
        let Replay { webhook_id, id, .. } = &step.replay;
        table::change(async || {
            let now = (times.clock)();
            let Some(record) = self.history.load_replay(*webhook_id, id, now).await? else {
                return Ok(Some(None));
            };
            let Some(noted) = record.clone().after_step(step, message_id, outcome, now) else {
                return Ok(Some(Some(record)));
            };
            Ok(self.history.put_replay(&noted).await?.then_some(Some(noted)))
        })
        .await
    }

    /// Sends deliveries until the step is full, its time is up or the window ends.
    async fn send_deliveries(
        &self,
        step: &ReplayStep,
        lane: Lane,
        times: Times,
    ) -> Result<StepOutcome, JobError> {
        let replay = &step.replay;
        let scan = Scan {
            webhook_id: replay.webhook_id,
            since: Some(replay.from),
            until: Some(replay.to),
            direction: Direction::OldestFirst,
            states: replay.state.indexed_states().collect(),
            page: Some(PAGE),
        };
        let mut outcome = StepOutcome { next: step.after.clone(), ..StepOutcome::default() };
        loop {
            let scanned = self.history.load_step(&scan, outcome.next.as_ref(), (times.clock)()).await?;
            let mut rest = scanned.found.as_slice();
            while !rest.is_empty() {
                let left = step.size().saturating_sub(outcome.counts.sent);
                let (round, later) =
                    rest.split_at(rest.len().min(ROUND).min(left.try_into().unwrap_or(ROUND)));
                outcome.counts = outcome.counts.plus(self.send_round(replay, lane, round, times).await?);
                outcome.next = round.last().map(|last| last.position.clone());
                outcome.took = times.elapsed();
                if outcome.counts.sent >= step.size() || times.are_up_for_step() {
                    return Ok(outcome);
                }
                rest = later;
            }
            outcome.next = scanned.next;
            outcome.took = times.elapsed();
            if outcome.next.is_none() || times.are_up_for_step() {
                return Ok(outcome);
            }
        }
    }

    /// Sends the deliveries of a round that the replay includes, several chunks at the same time.
    async fn send_round(
        &self,
        replay: &Replay,
        lane: Lane,
        round: &[Found],
        times: Times,
    ) -> Result<Counts, JobError> {
        let chunks = round.chunks(CHUNK).map(|chunk| self.send_chunk(replay, lane, chunk, times));
        let counts = future::try_join_all(chunks).await?.into_iter();
        Ok(counts.fold(Counts::default(), Counts::plus))
    }

    /// Sends the deliveries of a chunk that the replay includes.
    async fn send_chunk(
        &self,
        replay: &Replay,
        lane: Lane,
        chunk: &[Found],
        times: Times,
    ) -> Result<Counts, JobError> {
        let now = (times.clock)();
        let ids: Vec<DeliveryId> = chunk.iter().map(|found| found.id.clone()).collect();
        let run = replay.run();
        let records = self.history.load_all(&ids).await?.into_iter();
        let ours = records.filter_map(|record| record.seen_by(&replay.shop, &replay.app, now));
        let (begun, rest): (Vec<_>, Vec<_>) =
            ours.partition(|record| record.runs.iter().any(|known| known.id == run));
        let wanted: Vec<_> = rest.into_iter().filter(|record| replay.state.includes(record.state)).collect();
        let found = begun.len() + wanted.len();
        let resent = self.resend(wanted, &run, lane, times).await?;
        let sent = begun.len() as u64 + resent.sent;
        Ok(Counts { found: found as u64, sent, expired: resent.expired })
    }
}

#[cfg(test)]
mod tests;
