//! One round: some holdings, and what becomes of their pieces.
//!
//! A holding is what holds pieces: the messages of a record, or an object of the bucket. It is done,
//! and may be deleted, once each of its pieces is confirmed where it belongs, or is dropped. If the
//! stream or the jobs queue takes something and not the rest, nothing of the round is deleted; what
//! was taken then goes there twice, as the same event.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result};
use storehook_aws::{jobs::JobQueue, stream::Record};
use storehook_domain::{installation::message_group::MessageGroup, job::message::Job};

use super::{
    file::Mended,
    piece::{Content, Piece, Place},
    plan::{Step, unmended},
    stream::records_at,
    summary::{Left, Source, Summary},
    writer::Writer,
};
use crate::{publish::publish, stack::connection::Connection};

/// What holds pieces.
#[derive(Debug)]
pub struct Holding {
    /// Where it is.
    pub source: Source,
    /// The ids of its messages, or the name of its object.
    pub names: Vec<String>,
    /// Its pieces.
    pub pieces: Vec<Piece>,
}

/// What republishing needs in every round.
pub struct Rounds<'a> {
    /// The stack.
    pub connection: &'a Connection,
    /// Where jobs go.
    pub jobs: JobQueue,
    /// What the file says, if there is one.
    pub mended: Option<Mended>,
    /// The file to write, if one is.
    pub export: Option<Writer>,
    /// What was done.
    pub summary: Summary,
    /// What names the pieces that are dealt with.
    pub seen: BTreeSet<String>,
    /// The places whose records an object of the bucket holds.
    pub in_bucket: BTreeSet<Place>,
}

/// What a round sends.
#[derive(Default)]
struct Outgoing {
    records: Vec<Record>,
    jobs: Vec<(Box<Job>, MessageGroup)>,
}

impl Rounds<'_> {
    /// Whether nothing is sent or deleted.
    pub fn only_looks(&self) -> bool {
        self.summary.is_dry_run || self.export.is_some()
    }

    /// Deals with these holdings, and returns the names of those that may be deleted.
    ///
    /// # Errors
    ///
    /// The stream, the jobs queue or the file did not take something. Nothing may be deleted.
    pub async fn work_off(&mut self, holdings: Vec<Holding>) -> Result<Vec<String>> {
        let (mut outgoing, mut done) = (Outgoing::default(), Vec::new());
        for Holding { source, names, pieces } in holdings {
            let mut is_done = true;
            for piece in self.resolve(pieces).await? {
                is_done &= self.deal_with(source, &piece, &mut outgoing)?;
            }
            if is_done {
                done.extend(names);
            }
        }
        if self.only_looks() {
            return Ok(Vec::new());
        }
        publish(self.connection, outgoing.records).await?;
        for (job, group) in outgoing.jobs {
            let sent = self.jobs.send(&job, &group, Duration::ZERO).await;
            sent.context("the jobs queue did not take a job")?;
        }
        Ok(done)
    }

    /// The pieces with the records that are at a place of the stream. Of a place whose records are in
    /// the bucket, too, nothing is left to do.
    async fn resolve(&self, pieces: Vec<Piece>) -> Result<Vec<Piece>> {
        let mut resolved = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let Content::Place(place) = &piece.content else {
                resolved.push(piece);
                continue;
            };
            if self.in_bucket.contains(place) {
                continue;
            }
            let client = aws_sdk_kinesis::Client::new(&self.connection.sdk);
            match records_at(&client, &self.connection.resource("events"), place).await? {
                Some(records) => resolved.extend(records),
                None => resolved.push(piece),
            }
        }
        Ok(resolved)
    }

    /// Decides about a piece, and counts it. Returns whether nothing of it stays.
    fn deal_with(&mut self, source: Source, piece: &Piece, outgoing: &mut Outgoing) -> Result<bool> {
        let kind = piece.content.kind();
        if !self.seen.insert(piece.id.clone()) {
            self.summary.counts_of(source, kind).found += 1;
            self.summary.counts_of(source, kind).repeated += 1;
            // Whether it may be deleted was decided when it came first.
            return Ok(!self.stays(&piece.id));
        }
        if let Some(export) = &mut self.export {
            export.write(piece, source.as_str())?;
        }
        let step = match &self.mended {
            None => unmended(piece),
            Some(mended) => {
                mended.step(piece).unwrap_or_else(|| Step::Keep("it is not in the file".to_owned()))
            }
        };
        let counts = self.summary.counts_of(source, kind);
        counts.found += 1;
        match step {
            Step::Put(record) => {
                counts.republished += 1;
                outgoing.records.push(record);
            }
            Step::Send(job, group) => {
                counts.republished += 1;
                outgoing.jobs.push((job, group));
            }
            Step::Drop => counts.dropped += 1,
            Step::Keep(why) => {
                self.summary.leave(Left { id: piece.id.clone(), source, kind, why });
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn stays(&self, id: &str) -> bool {
        // Beyond the limit of those that are told nobody knows, so it stays.
        let is_told = self.summary.total(|counts| counts.left) <= super::summary::LEFT_LIMIT as u64;
        !is_told || self.summary.left.iter().any(|left| left.id == id)
    }
}
