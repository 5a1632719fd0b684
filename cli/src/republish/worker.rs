//! The way through the bucket and the queue, round by round.
//!
//! The bucket comes first. Where a mapping wrote the place of its records into the queue as well,
//! the bucket has the records themselves.

use std::{future::ready, pin::pin};

use anyhow::Result;
use indicatif::ProgressBar;

use super::{
    bucket::Bucket,
    given_up::GivenUp,
    message::Message,
    parts::Parts,
    piece::{Content, Piece},
    round::{Holding, Rounds},
    summary::{Source, Summary},
};
use crate::{
    drain::{
        source::SourceQueue,
        taken::{End, Taken},
    },
    progress,
};

/// A republishing under way.
pub struct Worker<'a> {
    queue: &'a SourceQueue,
    bucket: &'a Bucket,
    rounds: Rounds<'a>,
    taken: Taken,
    parts: Parts,
    keys: Vec<String>,
    progress: ProgressBar,
}

impl<'a> Worker<'a> {
    /// Begins: sees how much there is.
    ///
    /// # Errors
    ///
    /// SQS or S3 does not respond, or refuses.
    pub async fn new(queue: &'a SourceQueue, bucket: &'a Bucket, mut rounds: Rounds<'a>) -> Result<Self> {
        let keys = bucket.keys().await?;
        let (visible, hidden) = queue.depth().await?;
        rounds.summary.hidden = hidden;
        let progress = progress::bar(visible + keys.len() as u64, "messages and objects");
        Ok(Self { queue, bucket, rounds, taken: Taken::default(), parts: Parts::default(), keys, progress })
    }

    /// Works until there is a reason to end. It stops only between two rounds, so no round is left
    /// half done.
    ///
    /// # Errors
    ///
    /// A call failed for good.
    pub async fn work(&mut self, stop: impl Future<Output = ()>) -> Result<End> {
        let mut stop = pin!(stop);
        let mut keys = std::mem::take(&mut self.keys).into_iter();
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(End::Interrupted),
                () = ready(()) => {}
            }
            if let Some(key) = keys.next() {
                self.work_off_object(key).await?;
                continue;
            }
            let messages = self.queue.receive().await?;
            self.work_off_messages(messages).await?;
            if let Some(end) = self.taken.end() {
                return Ok(end);
            }
        }
    }

    /// Makes the messages that stay visible again, and returns what was done.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub async fn finish(mut self) -> Result<Summary> {
        let rest = std::mem::take(&mut self.parts).rest();
        let rest = rest.map(|(piece, names)| Holding { source: Source::Queue, names, pieces: vec![piece] });
        // These stay, whatever is decided, unless the file drops them.
        let done = self.rounds.work_off(rest.collect()).await;
        if let Ok(done) = &done {
            self.delete(done.clone()).await;
        }
        let unshown = self.taken.show(self.queue).await;
        let Rounds { mut summary, export, mended, seen, .. } = self.rounds;
        self.progress.finish_and_clear();
        export.map_or(Ok(()), |export| export.finish())?;
        done?;
        summary.unshown = unshown;
        summary.undeleted = self.taken.undeleted();
        summary.not_found = mended.map_or_else(Vec::new, |mended| {
            mended.not_found(|id| seen.contains(id)).map(str::to_owned).collect()
        });
        Ok(summary)
    }

    async fn work_off_object(&mut self, key: String) -> Result<()> {
        let Some(text) = self.bucket.load(&key).await? else {
            // Somebody else has published its records.
            self.progress.inc(1);
            return Ok(());
        };
        let pieces = match GivenUp::parse(&text) {
            Ok(given_up) => {
                if given_up.records.is_some() {
                    self.rounds.in_bucket.insert(given_up.place.clone());
                }
                given_up.into_pieces()
            }
            Err(error) => {
                let reason = Some(error.to_string());
                vec![Piece { id: key.clone(), reason, content: Content::Other(text) }]
            }
        };
        let holding = Holding { source: Source::Bucket, names: vec![key], pieces };
        for key in self.rounds.work_off(vec![holding]).await? {
            self.bucket.delete(&key).await?;
            self.rounds.summary.deleted_objects += 1;
        }
        self.progress.inc(1);
        Ok(())
    }

    async fn work_off_messages(&mut self, messages: Vec<aws_sdk_sqs::types::Message>) -> Result<()> {
        let received = self.taken.take(messages)?;
        if received.new.is_empty() && received.undeleted.is_empty() {
            return Ok(());
        }
        let before = self.taken.count();
        self.delete(received.undeleted).await;
        self.progress.inc(received.new.len() as u64);
        let holdings = received.new.into_iter().filter_map(|(id, body)| self.holding_of(id, &body)).collect();
        let done = self.rounds.work_off(holdings).await?;
        let had_work = !done.is_empty();
        self.delete(done).await;
        if had_work {
            self.taken.note_round(before);
        }
        Ok(())
    }

    /// What a message holds; `None` if it is a part of a record that is not whole yet.
    fn holding_of(&mut self, id: String, body: &str) -> Option<Holding> {
        let (pieces, names) = match Message::parse(&id, body) {
            Message::Pieces(pieces) => (pieces, vec![id]),
            Message::Part { rejected, data } => self.parts.take(&id, *rejected, data)?,
        };
        Some(Holding { source: Source::Queue, names, pieces })
    }

    async fn delete(&mut self, ids: Vec<String>) {
        let before = self.taken.count();
        let refusal = self.taken.delete(self.queue, ids).await;
        let summary = &mut self.rounds.summary;
        summary.deleted_messages += before - self.taken.count();
        summary.refusal = refusal.or(summary.refusal.take());
    }
}
