//! Which of the things that wait to be published again hold an event.
//!
//! These are the messages of the rejected queue and the objects of the bucket of given-up records.
//! Republishing reads them in the same way (`republish/message.rs`, `republish/given_up.rs`). A record
//! that was rejected in parts is put together first.

use std::collections::BTreeSet;

use serde::Serialize;
use storehook_domain::{
    event::{StoreEvent, id::EventId, origin::RecordOrigin, topic::Topic},
    installation::shop::ShopDomain,
    job::{fan_out::Range, message::Job},
    webhook::WebhookId,
    words::number::counted,
};

use crate::republish::{
    given_up::GivenUp,
    message::Message,
    parts::Parts,
    piece::{Content, Origin, Piece},
};

/// Something that waits to be published again, and holds the event or a part of its fan-out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Stuck {
    /// What names it: its place on the stream, or the id of its message.
    pub(super) id: String,
    pub(super) reason: String,
    pub(super) shop: Option<ShopDomain>,
    pub(super) topic: Option<String>,
    /// The webhooks that did not get the event: the first and the last id; null means all.
    pub(super) webhooks: Option<(WebhookId, WebhookId)>,
}

impl Stuck {
    /// Whether it may be why a webhook of this shop that subscribes to these topics has no delivery.
    pub(super) fn concerns(
        &self,
        id: WebhookId,
        shop: &ShopDomain,
        matches: impl Fn(&Topic) -> bool,
    ) -> bool {
        let topic = self.topic.as_ref().and_then(|topic| Topic::parse(topic).ok());
        self.shop.as_ref().is_none_or(|own| own == shop)
            && self.webhooks.is_none_or(|(from, to)| Range { from, to }.contains(id))
            && topic.is_none_or(|topic| matches(&topic))
    }
}

/// A search for an event in messages and objects.
pub(super) struct Search<'a> {
    event: &'a EventId,
    found: Vec<Stuck>,
    parts: Parts,
    /// The records that were put together from their parts.
    whole: BTreeSet<String>,
    /// How many batches there are of which only the place is known.
    places: u64,
    /// How many objects Lambda has not written.
    foreign: u64,
}

impl<'a> Search<'a> {
    pub(super) fn of(event: &'a EventId) -> Self {
        let (found, parts, whole) = (Vec::new(), Parts::default(), BTreeSet::new());
        Self { event, found, parts, whole, places: 0, foreign: 0 }
    }

    /// Looks at a message of the rejected queue.
    pub(super) fn message(&mut self, id: &str, body: &str) {
        let pieces = match Message::parse(id, body) {
            Message::Pieces(pieces) => pieces,
            Message::Part { rejected, data } => {
                let record = format!("{}:{}", rejected.shard_id, rejected.sequence_number);
                let Some((pieces, _)) = self.parts.take(id, *rejected, data) else { return };
                self.whole.insert(record);
                pieces
            }
        };
        self.look_at(pieces);
    }

    /// Looks at an object of the bucket.
    pub(super) fn object(&mut self, text: &str) {
        match GivenUp::parse(text) {
            Ok(given_up) => self.look_at(given_up.into_pieces()),
            Err(_) => self.foreign += 1,
        }
    }

    fn look_at(&mut self, pieces: Vec<Piece>) {
        for Piece { id, reason, content } in pieces {
            let reason = reason.unwrap_or_else(|| "no reason was noted".to_owned());
            let stuck = match &content {
                Content::Record { origin, data, .. } => of_record(id, reason, origin, data, self.event),
                Content::Job(job) => of_job(id, reason, job, self.event),
                Content::Place(_) => {
                    self.places += 1;
                    None
                }
                Content::Part(_) | Content::Other(_) => None,
            };
            // Two tries of a fan-out may have rejected the same record.
            let stuck = stuck.filter(|stuck| self.found.iter().all(|found| found.id != stuck.id));
            self.found.extend(stuck);
        }
    }

    /// What was found, and what nobody can know of the place with this name.
    pub(super) fn end(self, place: &str) -> (Vec<Stuck>, Vec<String>) {
        let Self { found, parts, whole, places, foreign, .. } = self;
        let in_part = parts.rest().filter(|(piece, _)| !whole.contains(&piece.id)).count() as u64;
        let unknown = [
            (in_part, "record", "records", "of which some parts are missing"),
            (places, "batch", "batches", "of which only the place on the stream is known"),
            (foreign, "object", "objects", "that Lambda has not written"),
        ];
        let unknown = unknown.into_iter().filter(|(number, ..)| *number > 0);
        let notes = unknown.map(|(number, one, many, which)| {
            let (is, holds) = if number == 1 { ("is", "it holds") } else { ("are", "they hold") };
            format!("In {place} {is} {} {which}: nobody knows what {holds}.", counted(number, one, many))
        });
        (found, notes.collect())
    }
}

/// A record that is no event has perhaps no id that can be read. Then it counts if it mentions the id.
fn of_record(id: String, reason: String, origin: &Origin, data: &[u8], event: &EventId) -> Option<Stuck> {
    let text = String::from_utf8_lossy(data);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let member = |name: &str| value[name].as_str();
    let is_own = match member("event_id") {
        Some(own) => own == event.as_str(),
        None if value.is_object() => EventId::of_record(&origin.of_record()) == *event,
        None => text.contains(event.as_str()) || EventId::of_record(&origin.of_record()) == *event,
    };
    is_own.then(|| Stuck {
        id,
        reason,
        shop: member("shop").and_then(|shop| shop.parse().ok()),
        topic: member("topic").or_else(|| member("event")).map(str::to_owned),
        webhooks: None,
    })
}

fn of_job(id: String, reason: String, job: &str, event: &EventId) -> Option<Stuck> {
    let Ok(Job::FanOut(share)) = Job::parse(job) else { return None };
    let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: storehook_aws::now() };
    let parsed = StoreEvent::parse(share.record.get().as_bytes(), &origin).ok()?;
    (parsed.id == *event).then(|| Stuck {
        id,
        reason,
        shop: Some(parsed.shop),
        topic: Some(parsed.topic.to_string()),
        webhooks: Some((share.range.from, share.range.to)),
    })
}

#[cfg(test)]
mod tests;
