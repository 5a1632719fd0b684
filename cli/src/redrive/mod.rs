//! Sending dead letters again: out of the dead-letter queue, into the delivery queue.
//!
//! SQS can move the messages of a dead-letter queue by itself (`StartMessageMoveTask`), for all of them and
//! not for one webhook's. It is never used here, because it leaves a message's body as it is: a delivery's age
//! counts from the `enqueued_at` in its body, so a dead letter that was merely moved would be past the end of its
//! schedule and go straight back. Each one is therefore received, sent as the next series of its
//! delivery's attempts ([`DeliveryMessage::redriven`](storehook_domain::delivery::message::DeliveryMessage::redriven)), and deleted after that.
//!
//! What is promised, wherever the program is killed:
//!
//! - Nothing is lost. A message is deleted only after SQS has named it as sent.
//! - What was sent and not deleted is sent again by the next redrive, as the same series, since that
//!   is counted from the dead letter's own. Of one series the delivery function attempts one message only, where
//!   the history is on.
//! - What stays in the queue is hidden from others while the redrive works, and shown again at its end. If
//!   there is no such end, it shows itself within a quarter of an hour ([`HIDDEN_FOR`]).
//!
//! What is not touched: messages that are no deliveries, those of other webhooks where one is
//! named, and those that were queued after the redrive began. The last are its own work, if they die anew while
//! it still works; it would go on for ever. Its clock may be trusted with that: AWS refuses calls whose
//! clock is minutes wrong.

pub mod queues;
pub mod selection;
pub mod summary;

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
            "interrupted twice: what is hidden shows itself again within {} minutes",
            HIDDEN_FOR.as_secs() / 60
        ),
    };
    println!("{summary}");
    summary.check()
}

/// Sends a stack's dead letters again. What could not be sent is told by [`Summary::check`].
pub async fn redrive(connection: &Connection, args: &Args) -> Result<Summary> {
    redrive_between(&Queues::of(connection).await?, args, pending()).await
}

/// Sends dead letters again, from queue to queue, until there are no more or `stop` is there. Whatever
/// ends it, what stays in the dead-letter queue is visible again.
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
