//! What of an event lies in the dead letters, among the rejected events, and in the bucket of given-up
//! records.
//!
//! All three are looked through from end to end, because neither SQS nor S3 can search. That hides the
//! messages of the queues from others meanwhile, and changes nothing else: both queues let a message be
//! received as often as anybody likes. A delivery that was never attempted has no record, so its dead
//! letter is all that is left of it. An event that was rejected or given up reached no webhook, or not all.

use std::collections::BTreeSet;

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use storehook_domain::{delivery::message::DeliveryMessage, event::id::EventId, webhook::WebhookId};

use super::stuck::{Search, Stuck};
use crate::{
    drain::{
        interrupted,
        source::{HIDDEN_MINUTES, SourceQueue},
        taken::Taken,
    },
    progress,
    republish::bucket::Bucket,
    stack::connection::Connection,
};

/// How many messages of a queue are looked at.
const LOOK_LIMIT: usize = 20_000;

/// How many objects of the bucket are looked at. Each has up to 6 MB.
const OBJECT_LIMIT: usize = 2_000;

/// How many of them are read at the same time.
const READS: usize = 8;

/// What lies in the queues and in the bucket.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) dead_letters: Vec<DeadLetter>,
    /// What of the event is in the rejected queue.
    pub(super) rejected: Vec<Stuck>,
    /// What of the event is in the bucket of given-up records.
    pub(super) given_up: Vec<Stuck>,
    /// What the look left undone, and what nobody can know.
    pub(super) notes: Vec<String>,
}

impl Found {
    /// What waits to be published again.
    pub(super) fn stuck(&self) -> impl Iterator<Item = &Stuck> {
        self.rejected.iter().chain(&self.given_up)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.dead_letters.is_empty() && self.stuck().next().is_none()
    }

    /// What to do, in commands of this program.
    pub(super) fn advice(&self, command: impl Fn(&str) -> String) -> Vec<String> {
        let webhooks: BTreeSet<_> = self.dead_letters.iter().map(|letter| letter.webhook_id).collect();
        let redrives = webhooks.into_iter().map(|id| {
            let redrive = command(&format!("redrive --webhook {id}"));
            format!("Send the dead letters of webhook {id} again: {redrive}")
        });
        let mend = (!self.rejected.is_empty()).then(|| {
            let (export, from) = (command("republish --export FILE"), command("republish --from FILE"));
            format!("Mend what was rejected, and publish it: {export}, then {from}")
        });
        let again = (!self.given_up.is_empty()).then(|| {
            let (count, publish) = (command("republish --dry-run"), command("republish"));
            format!("Publish again what was given up, of all shops: {count}, then {publish}")
        });
        redrives.chain(mend).chain(again).collect()
    }
}

/// A dead letter of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct DeadLetter {
    pub(super) webhook_id: WebhookId,
    pub(super) delivery: String,
    pub(super) message_id: String,
}

/// Looks through both queues and the bucket for an event.
pub(super) async fn look(connection: &Connection, event: &EventId) -> Result<Found> {
    let mut dead_letters = Vec::new();
    let looked = look_through(connection, "dead-letter", "dead letters", |id, body| {
        dead_letters.extend(dead_letter(id, body, event));
    });
    let mut notes = looked.await?;
    let mut search = Search::of(event);
    let looked =
        look_through(connection, "rejected", "rejected records", |id, body| search.message(id, body));
    notes.extend(looked.await?);
    let (rejected, unknown) = search.end(&connection.resource("rejected"));
    notes.extend(unknown);
    let (given_up, unknown) = look_through_bucket(connection, event).await?;
    notes.extend(unknown);
    Ok(Found { dead_letters, rejected, given_up, notes })
}

/// Looks through the bucket of given-up records.
async fn look_through_bucket(connection: &Connection, event: &EventId) -> Result<(Vec<Stuck>, Vec<String>)> {
    let name = connection.outputs().await?.given_up_records.clone();
    let bucket = &Bucket::new(connection, name.clone());
    let keys = bucket.keys().await?;
    let all = keys.len();
    let (mut search, mut seen) = (Search::of(event), 0);
    let progress = progress::bar(all.min(OBJECT_LIMIT) as u64, "given-up batches");
    let objects = stream::iter(keys.into_iter().take(OBJECT_LIMIT));
    let objects = objects.map(|key| async move { bucket.load(&key).await }).buffer_unordered(READS);
    let looking = objects.try_for_each(|text| {
        // One that is gone was republished meanwhile.
        text.iter().for_each(|text| search.object(text));
        seen += 1;
        progress.inc(1);
        std::future::ready(Ok(()))
    });
    tokio::select! {
        looked = looking => looked?,
        () = interrupted() => {}
    }
    progress.finish_and_clear();
    let (found, mut notes) = search.end(&name);
    if seen < all {
        notes.push(format!("Only {seen} of the {all} objects in {name} were looked through."));
    }
    Ok((found, notes))
}

/// Hands over the messages of a queue, and makes all of them visible again. Returns what it left undone.
async fn look_through(
    connection: &Connection,
    name: &str,
    things: &'static str,
    mut each: impl FnMut(&str, &str),
) -> Result<Vec<String>> {
    let client = aws_sdk_sqs::Client::new(&connection.sdk);
    let queue = SourceQueue { url: connection.queue_url(&client, name).await?, client, things };
    let (mut taken, seen) = (Taken::default(), progress::count(things));
    let looking = async {
        while taken.end().is_none() && taken.count() < LOOK_LIMIT {
            let received = taken.take(queue.receive().await?)?;
            seen.inc(received.new.len() as u64);
            received.new.iter().for_each(|(id, body)| each(id, body));
        }
        anyhow::Ok(taken.count() < LOOK_LIMIT)
    };
    let looked = tokio::select! {
        looked = looking => looked,
        () = interrupted() => Ok(false),
    };
    let unshown = taken.show(&queue).await;
    seen.finish_and_clear();
    let (is_whole, name) = (looked?, connection.resource(name));
    let cut = (!is_whole).then(|| format!("Only a part of {name} was looked through."));
    let hidden = unshown.map(|reason| {
        format!("Messages of {name} may be hidden from others for {HIDDEN_MINUTES} minutes: {reason}.")
    });
    Ok(cut.into_iter().chain(hidden).collect())
}

fn dead_letter(message_id: &str, body: &str, event: &EventId) -> Option<DeadLetter> {
    let message = DeliveryMessage::parse(body.as_bytes()).ok()?;
    let id = &message.envelope.id;
    (id.event_id == *event).then(|| DeadLetter {
        webhook_id: id.webhook_id,
        delivery: id.to_string(),
        message_id: message_id.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_says_what_to_do() {
        let letter = |id| DeadLetter {
            webhook_id: WebhookId::new(id),
            delivery: format!("{id}-e"),
            message_id: "m".to_owned(),
        };
        let stuck = || Stuck { id: "s:1".to_owned(), reason: "no".to_owned(), ..Stuck::default() };
        let found = Found {
            dead_letters: vec![letter(8), letter(7), letter(8)],
            rejected: vec![stuck()],
            given_up: vec![stuck()],
            notes: vec![],
        };
        let expected = [
            "Send the dead letters of webhook 7 again: $ redrive --webhook 7",
            "Send the dead letters of webhook 8 again: $ redrive --webhook 8",
            "Mend what was rejected, and publish it: $ republish --export FILE, then $ republish --from FILE",
            "Publish again what was given up, of all shops: $ republish --dry-run, then $ republish",
        ];
        assert_eq!(found.advice(|command| format!("$ {command}")), expected);
        assert!(Found::default().advice(str::to_owned).is_empty());
    }
}
