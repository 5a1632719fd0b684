//! Publishing again what the system could not use: rejected records, jobs that failed for too long,
//! and records that Lambda gave up.
//!
//! They lie in the rejected queue and in the bucket of the stack's output `GivenUpRecords`. Each goes
//! back to where it belongs ([`plan`]): a record to the stream, a step of a job to the jobs queue.
//! Where the queue has only the place of records, they are read from the stream again ([`stream`]).
//! A record that would be rejected again stays, until it comes mended from a [file](mod@file).
//!
//! Promises, wherever the program is killed:
//!
//! - Nothing is lost: a message or an object is deleted only after what it holds is confirmed where it
//!   belongs.
//! - What was published but not deleted is published again the next time, as the same event. With the
//!   history on, a webhook does not get it twice.
//! - Messages that stay are hidden from others while it works, and visible again when it ends. If it is
//!   killed, they become visible within a quarter of an hour.

pub mod bucket;
pub mod file;
pub mod given_up;
pub mod message;
pub mod parts;
pub mod piece;
pub mod plan;
pub mod report;
pub mod stream;
pub mod summary;
pub mod writer;

pub mod round;
pub mod worker;

#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use storehook_aws::jobs::JobQueue;
use storehook_domain::words::number::counted;

use self::{bucket::Bucket, file::Mended, round::Rounds, summary::Summary, worker::Worker, writer::Writer};
use crate::{
    drain::{
        interrupted,
        source::{HIDDEN_MINUTES, SourceQueue},
    },
    exit::Wrong,
    global::Global,
    input::Input,
    stack::connection::Connection,
};

const EXAMPLES: &str = "\
Examples:
  storehook --stack storehook republish --dry-run
  storehook --stack storehook republish
  storehook --stack storehook republish --export rejected.jsonl     # then mend the records in it
  storehook --stack storehook republish --from rejected.jsonl";

/// The options of `storehook republish`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Write the records to a new file, one line of JSON for each, and change nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "dry_run"])]
    pub export: Option<PathBuf>,
    /// Publish what is in this file, mended or not, and delete the originals; - is standard input.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Count what would be published, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

impl Args {
    /// What harm it may do, to be asked for; `None` if it changes nothing, or publishes what a file names
    /// one by one.
    fn harm(&self, mended: Option<&Mended>) -> Option<String> {
        if self.dry_run || self.export.is_some() {
            return None;
        }
        match mended.map(Mended::dropped) {
            None => Some(
                "All that was rejected or given up is published again, of all shops. --dry-run counts it."
                    .to_owned(),
            ),
            Some(0) => None,
            Some(dropped) => {
                let are = if dropped == 1 { "is" } else { "are" };
                Some(format!(
                    "{} of the file {are} deleted for good.",
                    counted(dropped as u64, "record", "records")
                ))
            }
        }
    }
}

/// `storehook republish`
///
/// # Errors
///
/// Something was left undone, or stays although it was to be published.
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let mended = args.from.as_ref().map(|file| Mended::read(&mut Input::open(file)?)).transpose()?;
    if let Some(harm) = args.harm(mended.as_ref()) {
        global.confirm(&harm)?;
    }
    let connection = global.connect().await?;
    let interrupted_twice = async {
        interrupted().await;
        interrupted().await;
    };
    let sources = Sources::of(&connection, connection.outputs().await?.given_up_records.clone()).await?;
    let summary = tokio::select! {
        summary = work_through(&connection, &sources, &args, mended, interrupted()) => summary?,
        () = interrupted_twice => bail!(
            "interrupted twice: hidden messages become visible within {HIDDEN_MINUTES} minutes"
        ),
    };
    let shown = global.show(&summary);
    // What is left undone matters more than who reads the output.
    summary.check()?;
    shown?;
    let was_to_be_published = args.export.is_none() && args.from.is_none() && !args.dry_run;
    if was_to_be_published && summary.total(|counts| counts.left) > 0 {
        return Err(Wrong.into());
    }
    Ok(())
}

/// Where pieces come from, and where jobs go.
pub struct Sources {
    queue: SourceQueue,
    bucket: Bucket,
    jobs: JobQueue,
}

impl Sources {
    /// Those of a stack, whose bucket has this name.
    ///
    /// # Errors
    ///
    /// A queue is not found.
    pub async fn of(connection: &Connection, bucket: String) -> Result<Self> {
        let client = aws_sdk_sqs::Client::new(&connection.sdk);
        let url = connection.queue_url(&client, "rejected").await?;
        let jobs = JobQueue { url: connection.queue_url(&client, "jobs").await?, client: client.clone() };
        let queue = SourceQueue { client, url, things: "rejected records" };
        Ok(Self { queue, bucket: Bucket::new(connection, bucket), jobs })
    }
}

/// Publishes again until there is no more, or `stop` returns. However it ends, the messages that
/// stay are visible again. [`Summary::check`] says whether something was left undone.
///
/// # Errors
///
/// A call failed for good.
pub async fn work_through(
    connection: &Connection,
    sources: &Sources,
    args: &Args,
    mended: Option<Mended>,
    stop: impl Future<Output = ()>,
) -> Result<Summary> {
    let exported = args.export.as_ref().map(|file| file.display().to_string());
    let rounds = Rounds {
        connection,
        jobs: sources.jobs.clone(),
        mended,
        export: args.export.as_deref().map(Writer::create).transpose()?,
        summary: Summary { is_dry_run: args.dry_run, exported, ..Summary::default() },
        seen: BTreeSet::new(),
        in_bucket: BTreeSet::new(),
    };
    let mut worker = Worker::new(&sources.queue, &sources.bucket, rounds).await?;
    let end = worker.work(stop).await;
    let summary = worker.finish().await;
    let end =
        end.context("it ended early: what is published and not deleted is published again the next time")?;
    Ok(Summary { end, ..summary? })
}
