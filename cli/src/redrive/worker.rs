//! The rounds of a redrive: receive ten messages, send the wanted ones again, delete those that
//! were sent.
//!
//! It ends after two empty receives, when only known messages come again, when three rounds in a
//! row achieve nothing, or before it reaches SQS's limit of hidden messages.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::ready,
    pin::pin,
};

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::Message;
use indicatif::ProgressBar;
use jiff::Timestamp;
use storehook_domain::delivery::fan_out::{self, BATCH_LIMIT, batches};

use super::{
    queues::Queues,
    selection::{Args, Unwanted, wanted},
    summary::{End, Summary},
};
use crate::progress;

/// How many empty receives in a row mean an empty queue.
const EMPTY_RECEIVES: u32 = 2;

/// How many rounds in a row may achieve nothing.
const FRUITLESS_ROUNDS: u32 = 3;

/// How many messages it hides at most. SQS lets 120,000 messages of a standard queue be in flight
/// (Amazon SQS message quotas) and then hands out no others.
const HIDDEN_LIMIT: usize = 100_000;

/// A redrive in progress.
pub(super) struct Worker<'a> {
    queues: &'a Queues,
    args: &'a Args,
    began_at: Timestamp,
    progress: ProgressBar,
    summary: Summary,
    /// Messages received and not deleted: the latest receipt by the message's id.
    taken: BTreeMap<String, String>,
    /// The received messages that were sent again.
    sent: BTreeSet<String>,
    /// Empty receives in a row.
    empty_receives: u32,
    /// Known messages that came again since the last new one.
    repeats: usize,
    /// Rounds in a row that had work to do and achieved nothing.
    fruitless: u32,
}

impl<'a> Worker<'a> {
    pub(super) async fn new(queues: &'a Queues, args: &'a Args, began_at: Timestamp) -> Result<Self> {
        let (visible, hidden) = queues.depth().await?;
        Ok(Self {
            queues,
            args,
            began_at,
            progress: progress::bar(visible, "messages"),
            summary: Summary { is_dry_run: args.dry_run, hidden, ..Summary::default() },
            taken: BTreeMap::new(),
            sent: BTreeSet::new(),
            empty_receives: 0,
            repeats: 0,
            fruitless: 0,
        })
    }

    /// Works until there is a reason to end. It stops only between two rounds, so no round is left
    /// half done.
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

    /// Makes the messages that stay visible again, and returns what was done.
    pub(super) async fn finish(self) -> Summary {
        let Self { queues, mut summary, taken, sent, progress, .. } = self;
        let receipts: Vec<_> = taken.values().map(String::as_str).collect();
        for batch in receipts.chunks(BATCH_LIMIT) {
            if let Err(error) = queues.show(batch).await {
                // All of them show themselves in time: no need to insist.
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
        // In a long redrive, messages that it received long ago come again. Once all of them have,
        // and nothing new, there is nothing new.
        if self.empty_receives == EMPTY_RECEIVES || self.repeats > self.taken.len() {
            Some(End::Complete)
        } else if self.fruitless == FRUITLESS_ROUNDS {
            Some(End::InVain)
        } else if self.taken.len() >= HIDDEN_LIMIT {
            Some(End::TooManyHidden)
        } else {
            None
        }
    }

    async fn receive(&mut self, messages: Vec<Message>) -> Result<()> {
        self.empty_receives = if messages.is_empty() { self.empty_receives + 1 } else { 0 };
        let (mut letters, mut undeleted) = (Vec::new(), Vec::new());
        for message in messages {
            let id = message.message_id.context("SQS sent a message without an id")?;
            let receipt = message.receipt_handle.context("SQS sent a message without a receipt")?;
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
            self.fruitless = if self.taken.len() == taken { self.fruitless + 1 } else { 0 };
        }
        Ok(())
    }

    /// Counts a new message. If the message must be sent again, returns its id and what to send.
    fn sort(&mut self, id: String, body: &str) -> Option<(String, fan_out::QueueEntry)> {
        match wanted(body, self.args.webhook, self.began_at) {
            Ok(delivery) => {
                self.summary.find(&delivery);
                if self.args.dry_run {
                    return None;
                }
                let message = delivery.redriven(&id, storehook_aws::now());
                return Some((id, fan_out::QueueEntry::of(0, &message)));
            }
            Err(Unwanted::OtherWebhook) => self.summary.of_other_webhooks += 1,
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
            let sent: Vec<_> = done.indexes.iter().map(|index| ids[batch[*index].record].clone()).collect();
            self.summary.redriven += sent.len();
            self.summary.unsent += batch.len() - sent.len();
            self.summary.refusal = done.refusal.or(self.summary.refusal.take());
            self.sent.extend(sent.iter().cloned());
            self.delete(sent).await;
        }
    }

    /// Deletes the dead letters that were sent again.
    async fn delete(&mut self, ids: Vec<String>) {
        let taken = ids.iter().filter_map(|id| Some((id, self.taken.get(id)?.as_str())));
        let (ids, receipts): (Vec<_>, Vec<_>) = taken.unzip();
        if receipts.is_empty() {
            return;
        }
        let done = self.queues.delete(&receipts).await;
        for id in done.indexes.iter().map(|index| ids[*index]) {
            self.taken.remove(id);
            self.sent.remove(id);
        }
        self.summary.refusal = done.refusal.or(self.summary.refusal.take());
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::redrive::stand_in::{Faults, StandIn};

    #[tokio::test]
    async fn a_redrive_ends_at_the_limit_of_hidden_messages() -> Result<()> {
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
