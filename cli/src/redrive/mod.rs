//! Sending dead letters again: from the dead-letter queue into the delivery queue.
//!
//! SQS can move the messages of a dead-letter queue by itself (`StartMessageMoveTask`), but only
//! all of them, and unchanged. A delivery's age counts from the `enqueued_at` in the message's
//! body. So an unchanged dead letter is past its schedule and gets only one last attempt. A redrive
//! therefore receives each dead letter, sends it as the first message of a new run
//! ([`DeliveryMessage::redriven`](storehook_domain::delivery::message::DeliveryMessage::redriven)),
//! and then deletes it.
//!
//! Promises, wherever the program is killed:
//!
//! - Nothing is lost: a message is deleted only after SQS has confirmed the send.
//! - If a message was sent but not deleted, the next redrive sends it again in the same run: the
//!   dead letter's SQS message id names the run. With the history on, one message makes the
//!   attempts of a run.
//! - Messages that stay in the queue are hidden from others while the redrive works, and visible
//!   again when it ends. If the program is killed, they become visible within a quarter of an hour
//!   ([`HIDDEN_MINUTES`]).
//!
//! A redrive skips messages that are not deliveries, messages of other webhooks if one is named,
//! and messages that were queued after it began. The last may be its own work that died again, so
//! it might never end with them. Both times of its own work are the local clock's, so it is
//! recognised whatever that clock says. Nothing else goes by the local clock, which may be wrong: the
//! SDK corrects it for calls. A slow one at worst skips dead letters, and the summary counts them.
//! The age of what is sent counts from the time at which SQS took it.

pub mod queues;
pub mod selection;
pub mod summary;

mod report;
mod worker;

#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;

use std::future::pending;

use anyhow::{Context as _, Result, bail};

use self::{queues::Queues, selection::Args, summary::Summary, worker::Worker};
use crate::{
    drain::{interrupted, source::HIDDEN_MINUTES},
    global::Global,
    stack::connection::Connection,
};

/// `storehook redrive`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    if args.is_of_all_tenants() {
        global.confirm(
            "The dead letters of all webhooks are sent again, of all shops. --dry-run counts them.",
        )?;
    }
    let connection = global.connect().await?;
    let queues = Queues::of(&connection).await?;
    let interrupted_twice = async {
        interrupted().await;
        interrupted().await;
    };
    let summary = tokio::select! {
        summary = redrive_between(&queues, &args, interrupted()) => summary?,
        () = interrupted_twice => bail!(
            "interrupted twice: hidden messages become visible within {HIDDEN_MINUTES} minutes"
        ),
    };
    let shown = global.show(&summary);
    // What is left undone matters more than who reads the output.
    summary.check()?;
    Ok(shown?)
}

/// Sends a stack's dead letters again. [`Summary::check`] says whether all were sent.
pub async fn redrive(connection: &Connection, args: &Args) -> Result<Summary> {
    redrive_between(&Queues::of(connection).await?, args, pending()).await
}

/// Sends dead letters again, from queue to queue, until there are no more or `stop` returns.
/// However it ends, the messages that stay in the dead-letter queue are visible again.
pub async fn redrive_between(
    queues: &Queues,
    args: &Args,
    stop: impl Future<Output = ()>,
) -> Result<Summary> {
    let mut worker = Worker::new(queues, args, storehook_aws::now()).await?;
    let end = worker.work(stop).await;
    let summary = worker.finish().await;
    let end = end.with_context(|| {
        format!("the redrive ended early, after it had sent {} dead letters again", summary.redriven)
    })?;
    Ok(Summary { end, ..summary })
}
