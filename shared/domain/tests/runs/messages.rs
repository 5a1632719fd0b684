//! Messages in the queues.

use jiff::Timestamp;
use storehook_domain::{
    delivery::{lane::Lane, message::DeliveryMessage, run::RunId, subscriber::Subscriber},
    event::{StoreEvent, origin::RecordOrigin},
    history::{decision::Received, run::Receive},
    installation::app::AppId,
    webhook::WebhookId,
};

/// A time of the world, in milliseconds since it began.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000 + millis).unwrap_or_default()
}

/// A message of a run.
#[expect(clippy::expect_used, reason = "the record is a constant")]
pub(crate) fn message(run: RunId) -> DeliveryMessage<'static> {
    let record = br#"{"shop": "a.example", "topic": "orders/paid", "event_id": "e1", "payload": {"id": 1}}"#;
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
    let event = StoreEvent::parse(record, &origin).expect("an event");
    let app = AppId::parse("demo").expect("an app");
    let mut message = DeliveryMessage::of(
        &event,
        None,
        &Subscriber::by_topic(WebhookId::new(7), app),
        Timestamp::UNIX_EPOCH,
    );
    message.run = run;
    message
}

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) id: String,
    pub(crate) body: DeliveryMessage<'static>,
    pub(crate) lane: Lane,
    pub(crate) sent_at: i64,
    pub(crate) visible_at: i64,
    pub(crate) count: u32,
}

impl Queued {
    /// The receive as the domain decides on it.
    pub(crate) fn received(&self) -> Received<'_, 'static> {
        Received {
            message: &self.body,
            receive: Receive { message_id: &self.id, lane: self.lane },
            count: self.count,
            sent_at: at(self.sent_at),
        }
    }
}
