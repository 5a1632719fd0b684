//! Sending dead letters again: from the dead-letter queue into the delivery queue.
//!
//! SQS can move the messages of a dead-letter queue by itself (`StartMessageMoveTask`), but only
//! all of them, and as they are. A delivery's age counts from the `enqueued_at` in its body: moved
//! as it is, a dead letter is past its schedule and gets one last attempt. So each one is received, sent as the first message of a run of its own
//! ([`DeliveryMessage::redriven`](storehook_domain::delivery::message::DeliveryMessage::redriven)),
//! and then deleted.
//!
//! Promised, wherever the program is killed:
//!
//! - Nothing is lost: a message is deleted only after SQS has confirmed the send.
//! - What was sent and not deleted is sent again by the next redrive, in the same run, because the
//!   dead letter's SQS message id names it. Of one run the delivery function attempts one message
//!   only, if the history is on.
//! - What stays in the queue is hidden from others while the redrive works, and shown again at its
//!   end. If the program is killed, it shows itself within a quarter of an hour ([`HIDDEN_FOR`]).
//!
//! Left alone: messages that are no deliveries, those of other webhooks if one is named, and those
//! that were queued after the redrive began. The last may be its own work that died again; with
//! them it might never end. The local clock is good enough to tell: AWS refuses calls from clocks
//! that are minutes wrong.

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

use self::{
    queues::{HIDDEN_FOR, Queues},
    selection::Args,
    summary::Summary,
    worker::Worker,
};
use crate::stack::connection::{Connection, StackArgs};

/// `storehook redrive`
pub async fn run(args: Args, stack: &StackArgs) -> Result<()> {
    let connection = Connection::open(stack).await?;
    let queues = Queues::of(&connection).await?;
    let interrupted_twice = async {
        interrupted().await;
        interrupted().await;
    };
    let summary = tokio::select! {
        summary = redrive_between(&queues, &args, interrupted()) => summary?,
        () = interrupted_twice => bail!(
            "interrupted twice: hidden messages show themselves within {} minutes",
            HIDDEN_FOR.as_secs() / 60
        ),
    };
    println!("{summary}");
    summary.check()
}

/// Sends a stack's dead letters again. [`Summary::check`] says whether all were sent.
pub async fn redrive(connection: &Connection, args: &Args) -> Result<Summary> {
    redrive_between(&Queues::of(connection).await?, args, pending()).await
}

/// Sends dead letters again, from queue to queue, until there are no more or `stop` returns.
/// Whatever ends it, what stays in the dead-letter queue is visible again.
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

/// Waits for Ctrl-C.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler Ctrl-C ends the process itself.
        pending().await
    }
}
