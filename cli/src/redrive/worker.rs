//! The rounds of a redrive: receive ten messages, send the wanted ones again, delete those that
//! were sent.

use std::{future::ready, pin::pin};

use anyhow::Result;
use aws_sdk_sqs::types::Message;
use indicatif::ProgressBar;
use jiff::Timestamp;
use storehook_domain::delivery::fan_out::{self, batches};

use super::{
    queues::Queues,
    selection::{Args, Unwanted, wanted},
    summary::Summary,
};
use crate::{
    drain::taken::{End, Taken},
    progress,
};

/// A redrive in progress.
pub(super) struct Worker<'a> {
    queues: &'a Queues,
    args: &'a Args,
    began_at: Timestamp,
    progress: ProgressBar,
    summary: Summary,
    taken: Taken,
}

impl<'a> Worker<'a> {
    pub(super) async fn new(queues: &'a Queues, args: &'a Args, began_at: Timestamp) -> Result<Self> {
        let (visible, hidden) = queues.dead_letter.depth().await?;
        Ok(Self {
            queues,
            args,
            began_at,
            progress: progress::bar(visible, "messages"),
            summary: Summary { is_dry_run: args.dry_run, hidden, ..Summary::default() },
            taken: Taken::default(),
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
            let messages = self.queues.dead_letter.receive().await?;
            self.receive(messages).await?;
            if let Some(end) = self.taken.end() {
                return Ok(end);
            }
        }
    }

    /// Makes the messages that stay visible again, and returns what was done.
    pub(super) async fn finish(self) -> Summary {
        let Self { queues, mut summary, taken, progress, .. } = self;
        summary.unshown = taken.show(&queues.dead_letter).await;
        progress.finish_and_clear();
        let wanted = if summary.is_dry_run { summary.found() } else { 0 };
        summary.left = taken.count() - wanted;
        summary.undeleted = taken.undeleted();
        summary
    }

    async fn receive(&mut self, messages: Vec<Message>) -> Result<()> {
        let received = self.taken.take(messages)?;
        self.progress.inc(received.new.len() as u64);
        let letters = received.new.into_iter().filter_map(|(id, body)| self.sort(id, &body));
        let letters: Vec<_> = letters.collect();
        if !letters.is_empty() || !received.undeleted.is_empty() {
            let taken = self.taken.count();
            self.delete(received.undeleted).await;
            self.send_again(letters).await;
            self.taken.note_round(taken);
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
            self.delete(sent).await;
        }
    }

    /// Deletes the dead letters that were sent again.
    async fn delete(&mut self, ids: Vec<String>) {
        let refusal = self.taken.delete(&self.queues.dead_letter, ids).await;
        self.summary.refusal = refusal.or(self.summary.refusal.take());
    }
}
