//! The rounds of a redrive: receive ten, send again those that are wanted, delete those that were sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::ready,
    pin::pin,
};

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::Message;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use storehook_domain::delivery::fan_out::{self, BATCH_LIMIT, batches};

use super::{
    queues::Queues,
    selection::{Args, Unwanted, wanted},
    summary::{End, Summary},
};

/// How many empty answers in a row mean an empty queue.
const SILENCES: u32 = 2;

/// How many rounds in a row that get nothing done are borne.
const PATIENCE: u32 = 3;

/// How many messages are hidden at the same time. Of a standard queue, SQS lets 120,000 be (Amazon SQS message
/// quotas), and then has no more for anybody.
const HIDDEN_LIMIT: usize = 100_000;

/// A redrive under way.
pub(super) struct Worker<'a> {
    queues: &'a Queues,
    args: &'a Args,
    began_at: Timestamp,
    progress: ProgressBar,
    summary: Summary,
    /// What was received and not deleted: the latest receipt by the message's id.
    taken: BTreeMap<String, String>,
    /// Of that, what was sent again.
    sent: BTreeSet<String>,
    /// Empty answers, one after the other.
    silences: u32,
    /// Messages that came a second time, since the last one that came for the first time.
    repeats: usize,
    /// Rounds with work to do that got none of it done, one after the other.
    in_vain: u32,
}

impl<'a> Worker<'a> {
    pub(super) async fn new(queues: &'a Queues, args: &'a Args, began_at: Timestamp) -> Result<Self> {
        let (visible, hidden) = queues.depth().await?;
        Ok(Self {
            queues,
            args,
            began_at,
            progress: progress_bar(visible),
            summary: Summary { is_dry_run: args.dry_run, hidden, ..Summary::default() },
            taken: BTreeMap::new(),
            sent: BTreeSet::new(),
            silences: 0,
            repeats: 0,
            in_vain: 0,
        })
    }

    /// Goes on until there is a reason not to. It stops between two rounds only, so that none is
    /// left half done.
    pub(super) async fn work(&mut self, stop: impl Future<Output = ()>) -> Result<End> {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(End::Interrupted),
                () = ready(()) => {}
            }
            let messages = self.queues.receive().await?;
            self.receive(messages).await?;
            if let Some(end) = self.end() {
                return Ok(end);
            }
        }
    }

    /// Shows what stays to others again, and says what was done.
    pub(super) async fn finish(self) -> Summary {
        let Self { queues, mut summary, taken, sent, progress, .. } = self;
        let receipts: Vec<_> = taken.values().map(String::as_str).collect();
        for batch in receipts.chunks(BATCH_LIMIT) {
            if let Err(error) = queues.show(batch).await {
                // All of them show themselves in time, so there is no point in insisting.
                summary.unshown = Some(format!("{error:#}"));
                break;
            }
        }
        progress.finish_and_clear();
        let wanted = if summary.is_dry_run { summary.found() } else { 0 };
        summary.left = taken.len() - wanted;
        summary.undeleted = sent.len();
        summary
    }

    fn end(&self) -> Option<End> {
        // While a redrive goes on, what it has received long ago comes again. When all of that has come and
        // nothing new has, there is nothing new.
        if self.silences == SILENCES || self.repeats > self.taken.len() {
            Some(End::Complete)
        } else if self.in_vain == PATIENCE {
            Some(End::InVain)
        } else if self.taken.len() >= HIDDEN_LIMIT {
            Some(End::TooManyHidden)
        } else {
            None
        }
    }

    async fn receive(&mut self, messages: Vec<Message>) -> Result<()> {
        self.silences = if messages.is_empty() { self.silences + 1 } else { 0 };
        let (mut letters, mut undeleted) = (Vec::new(), Vec::new());
        for message in messages {
            let id = message.message_id.context("SQS gave a message without an id")?;
            let receipt = message.receipt_handle.context("SQS gave a message without a receipt")?;
            if self.taken.insert(id.clone(), receipt).is_none() {
                self.repeats = 0;
                self.progress.inc(1);
                letters.extend(self.sort(id, &message.body.unwrap_or_default()));
            } else {
                self.repeats += 1;
                undeleted.extend(self.sent.contains(&id).then_some(id));
            }
        }
        if !letters.is_empty() || !undeleted.is_empty() {
            let taken = self.taken.len();
            self.delete(undeleted).await;
            self.send_again(letters).await;
            self.in_vain = if self.taken.len() == taken { self.in_vain + 1 } else { 0 };
        }
        Ok(())
    }

    /// Counts a message that came for the first time. Returns its id and what is to be sent, if something is.
    fn sort(&mut self, id: String, body: &str) -> Option<(String, fan_out::QueueEntry)> {
        match wanted(body, self.args.webhook, self.began_at) {
            Ok(delivery) => {
                self.summary.find(&delivery);
                if self.args.dry_run {
                    return None;
                }
                let webhook_id = delivery.webhook_id;
                // A message is told from another one of the same series by when it was queued, so each
                // has a time of its own.
                let body = delivery.redriven(storehook_aws::now()).to_message();
                return Some((id, fan_out::QueueEntry { record: 0, webhook_id, body }));
            }
            Err(Unwanted::Anothers) => self.summary.anothers += 1,
            Err(Unwanted::Later) => self.summary.later += 1,
            Err(Unwanted::NoDelivery) => self.summary.no_deliveries.push(id),
        }
        None
    }

    async fn send_again(&mut self, letters: Vec<(String, fan_out::QueueEntry)>) {
        let (ids, messages): (Vec<_>, Vec<_>) = letters.into_iter().unzip();
        let messages = messages.into_iter().enumerate();
        let messages = messages.map(|(record, message)| fan_out::QueueEntry { record, ..message });
        for batch in batches(messages) {
            let done = self.queues.send(&batch).await;
            let sent: Vec<_> = done.places.iter().map(|place| ids[batch[*place].record].clone()).collect();
            self.summary.redriven += sent.len();
            self.summary.unsent += batch.len() - sent.len();
            self.summary.refusal = done.refusal.or(self.summary.refusal.take());
            self.sent.extend(sent.iter().cloned());
            self.delete(sent).await;
        }
    }

    /// Deletes what was sent again.
    async fn delete(&mut self, ids: Vec<String>) {
        let taken = ids.iter().filter_map(|id| Some((id, self.taken.get(id)?.as_str())));
        let (ids, receipts): (Vec<_>, Vec<_>) = taken.unzip();
        if receipts.is_empty() {
            return;
        }
        let done = self.queues.delete(&receipts).await;
        for id in done.places.iter().map(|place| ids[*place]) {
            self.taken.remove(id);
            self.sent.remove(id);
        }
        self.summary.refusal = done.refusal.or(self.summary.refusal.take());
    }
}

fn progress_bar(length: u64) -> ProgressBar {
    let bar = if length > 1 { ProgressBar::new(length) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} messages, {per_sec}, {eta} to go");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::redrive::stand_in::{Faults, StandIn};

    #[tokio::test]
    async fn it_ends_before_sqs_shows_it_nothing_more() -> Result<()> {
        let sqs = StandIn::with(&[], Faults::default()).await?;
        let args = Args::default();
        let mut worker = Worker::new(&sqs.queues, &args, storehook_aws::now()).await?;
        worker.taken = (0..HIDDEN_LIMIT).map(|number| (number.to_string(), String::new())).collect();
        assert_eq!(worker.work(pending()).await?, End::TooManyHidden);
        worker.taken.pop_last();
        assert_eq!(worker.work(pending()).await?, End::Complete);
        Ok(())
    }
}
