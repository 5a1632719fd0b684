//! What of an event lies in the dead letters and among the rejected events.
//!
//! Both queues are looked through from end to end, because SQS cannot search. That hides their messages
//! from others meanwhile, and changes nothing else. A delivery that was never attempted has no record,
//! so its dead letter is all that is left of it. An event that was rejected reached no webhook.

use anyhow::Result;
use serde::Serialize;
use storehook_domain::{
    delivery::message::DeliveryMessage,
    event::{StoreEvent, id::EventId, origin::RecordOrigin, topic::Topic},
    installation::shop::ShopDomain,
    job::{fan_out::Range, message::Job},
    webhook::WebhookId,
};

use crate::{
    drain::{
        interrupted,
        source::{HIDDEN_FOR, SourceQueue},
        taken::Taken,
    },
    progress,
    republish::{
        message::Message,
        piece::{Content, Origin},
    },
    stack::connection::Connection,
};

/// How many messages of a queue are looked at.
const LOOK_LIMIT: usize = 20_000;

/// What lies in the queues.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) dead_letters: Vec<DeadLetter>,
    pub(super) rejected: Vec<Rejected>,
    /// What the look left undone.
    pub(super) notes: Vec<String>,
}

/// A dead letter of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct DeadLetter {
    pub(super) webhook_id: WebhookId,
    pub(super) delivery: String,
    pub(super) message_id: String,
}

/// A rejected message that holds the event, or a part of its fan-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Rejected {
    /// What names it: its place on the stream, or the id of its message.
    pub(super) id: String,
    pub(super) reason: String,
    pub(super) shop: Option<ShopDomain>,
    pub(super) topic: Option<String>,
    /// The webhooks that did not get the event: the first and the last id; null means all.
    pub(super) webhooks: Option<(WebhookId, WebhookId)>,
}

impl Rejected {
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

/// Looks through both queues for an event.
pub(super) async fn look(connection: &Connection, event: &EventId) -> Result<Found> {
    let (mut dead_letters, mut rejected) = (Vec::new(), Vec::new());
    let looked = look_through(connection, "dead-letter", "dead letters", |id, body| {
        dead_letters.extend(dead_letter(id, body, event));
    });
    let mut notes = looked.await?;
    let looked = look_through(connection, "rejected", "rejected records", |id, body| {
        rejected.extend(rejected_of(id, body, event));
    });
    notes.extend(looked.await?);
    Ok(Found { dead_letters, rejected, notes })
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
    let minutes = HIDDEN_FOR.as_secs() / 60;
    let hidden = unshown.map(|reason| {
        format!("Messages of {name} may be hidden from others for {minutes} minutes: {reason}.")
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

fn rejected_of(message_id: &str, body: &str, event: &EventId) -> Vec<Rejected> {
    let pieces = match Message::parse(message_id, body) {
        Message::Pieces(pieces) => pieces,
        // A part of a record that is too large for a message.
        Message::Part { .. } => Vec::new(),
    };
    let rejected = pieces.into_iter().filter_map(|piece| {
        let reason = piece.reason.unwrap_or_else(|| "no reason was noted".to_owned());
        match &piece.content {
            Content::Record { origin, data, .. } => of_record(piece.id, reason, origin, data, event),
            Content::Job(job) => of_job(piece.id, reason, job, event),
            Content::Place(_) | Content::Part(_) | Content::Other(_) => None,
        }
    });
    rejected.collect()
}

/// A record that is no event has perhaps no id that can be read. Then it counts if it mentions the id.
fn of_record(id: String, reason: String, origin: &Origin, data: &[u8], event: &EventId) -> Option<Rejected> {
    let text = String::from_utf8_lossy(data);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let member = |name: &str| value[name].as_str();
    let is_own = match member("event_id") {
        Some(own) => own == event.as_str(),
        None if value.is_object() => EventId::of_record(&origin.of_record()) == *event,
        None => text.contains(event.as_str()) || EventId::of_record(&origin.of_record()) == *event,
    };
    is_own.then(|| Rejected {
        id,
        reason,
        shop: member("shop").and_then(|shop| shop.parse().ok()),
        topic: member("topic").or_else(|| member("event")).map(str::to_owned),
        webhooks: None,
    })
}

fn of_job(id: String, reason: String, job: &str, event: &EventId) -> Option<Rejected> {
    let Ok(Job::FanOut(share)) = Job::parse(job) else { return None };
    let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: storehook_aws::now() };
    let parsed = StoreEvent::parse(share.record.get().as_bytes(), &origin).ok()?;
    (parsed.id == *event).then(|| Rejected {
        id,
        reason,
        shop: Some(parsed.shop),
        topic: Some(parsed.topic.to_string()),
        webhooks: Some((share.range.from, share.range.to)),
    })
}

#[cfg(test)]
mod tests {
    use storehook_domain::event::rejected::RejectedEvent;

    use super::*;

    const ORIGIN: RecordOrigin<'_> =
        RecordOrigin { shard_id: "s", sequence_number: "42", arrived_at: jiff::Timestamp::UNIX_EPOCH };

    #[test]
    fn a_rejected_message_of_an_event_is_found_by_its_id() -> Result<()> {
        let derived = EventId::of_record(&ORIGIN);
        let share = concat!(
            r#"{"fan_out":{"id":"x","record":{"shop":"a.example","topic":"orders/paid","event_id":"e1","payload":{}},"#,
            r#""range":{"from":1,"to":20},"number":1,"reason":"SQS said no"}}"#,
        );
        let record = |record: &str| RejectedEvent::messages(record.as_bytes(), &ORIGIN, "why").remove(0);
        let no_topic = record(r#"{"shop": "a.example", "event_id": "e1", "payload": {}}"#);
        let cases = [
            (no_topic.clone(), "e1", Some((Some("a.example"), None, None))),
            (no_topic, "e", None),
            (
                record(r#"{"shop": "a.example", "event": "order:new"}"#),
                derived.as_str(),
                Some((Some("a.example"), Some("order:new"), None)),
            ),
            (record(r#"{"shop": "a.example", "e1": 1}"#), "e1", None),
            (record(r#"{"event_id": "e1", broken"#), "e1", Some((None, None, None))),
            (share.to_owned(), "e1", Some((Some("a.example"), Some("orders/paid"), Some((1, 20))))),
            (share.to_owned(), "e2", None),
            ("nonsense with e1".to_owned(), "e1", None),
        ];
        for (body, event, expected) in cases {
            let found = rejected_of("m-1", &body, &EventId::parse(event)?);
            let found = found.first().map(|found| {
                let webhooks = found.webhooks.map(|(from, to)| (from.get(), to.get()));
                (found.shop.as_ref().map(ShopDomain::as_str), found.topic.as_deref(), webhooks)
            });
            assert_eq!(found, expected, "{body}");
        }
        Ok(())
    }

    #[test]
    fn a_rejected_share_concerns_its_webhooks_alone() -> Result<()> {
        let (own, other): (ShopDomain, ShopDomain) = ("a.example".parse()?, "b.example".parse()?);
        let share = Rejected {
            id: "m".to_owned(),
            reason: "no".to_owned(),
            shop: Some(own.clone()),
            topic: Some("orders/paid".to_owned()),
            webhooks: Some((WebhookId::new(2), WebhookId::new(4))),
        };
        for (id, shop, matches, expected) in [
            (2, &own, true, true),
            (4, &own, true, true),
            (5, &own, true, false),
            (3, &other, true, false),
            (3, &own, false, false),
        ] {
            assert_eq!(
                share.concerns(WebhookId::new(id), shop, |_| matches),
                expected,
                "{id} {shop} {matches}"
            );
        }
        let unreadable = Rejected { shop: None, topic: None, webhooks: None, ..share };
        assert!(unreadable.concerns(WebhookId::new(9), &other, |_| false), "anybody may have missed it");
        Ok(())
    }
}
