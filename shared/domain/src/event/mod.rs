//! Events: what happens in shops.
//!
//! Events come from two sources. The store platform puts records on a Kinesis stream, and apps push
//! events over the API. A push becomes a record on the same stream ([`pushed`]), so the stream is
//! the only source of deliveries, and [`StoreEvent::parse`] is the only reader of records.
//!
//! A record is one JSON object: a shop, a topic, a payload and some optional members. The reader
//! either returns an event that can become deliveries, or an [`InvalidEvent`] that says what is
//! wrong. A record that is no event must neither block its shard nor vanish: it goes to the
//! rejected-events queue ([`rejected`]). The reader checks that the payload is an object and keeps
//! its bytes: an 18-digit id, `199.0`, key order and unicode pass through untouched. A record may
//! hold many ([`aggregated`]).
//!
//! The topic of an event is one of the [`catalogue`], or a `noun:verb` of Spree's kind ([`topic`]).
//! [`samples`] has a payload for each topic, for test events.

pub mod aggregated;
pub mod catalogue;
pub mod id;
pub mod origin;
pub mod push_quota;
pub mod pushed;
pub mod record;
pub mod rejected;
pub mod samples;
pub mod topic;
mod trace_context;

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    event::{
        catalogue::APP_UNINSTALLED, id::EventId, origin::RecordOrigin, topic::Topic,
        trace_context::traceparent_of,
    },
    input::{byte_order_mark::without_byte_order_mark, optional_text::optional_text, time::instant},
    installation::{app::AppId, shop::ShopDomain},
    payload::{Payload, limits::PAYLOAD_LIMIT},
};

/// One thing that happened in a shop. It borrows from its record.
#[derive(Debug, Clone)]
pub struct StoreEvent<'a> {
    /// The shop it happened in.
    pub shop: ShopDomain,
    /// The only app whose webhooks get the event; `None` means all apps.
    pub app: Option<AppId>,
    /// What happened.
    pub topic: Topic,
    /// The event's id: the same each time the record is read.
    pub id: EventId,
    /// When it happened.
    pub triggered_at: Timestamp,
    /// The app that pushed it; `None` means that the store published it.
    pub pushed_by: Option<AppId>,
    /// Whether it is a test event.
    pub is_test: bool,
    /// The W3C trace context of its publisher. Deliveries pass it on.
    pub traceparent: Option<String>,
    /// The payload's id, for the id header; see [`Payload::resource_id`].
    pub resource_id: Option<String>,
    /// The payload: a JSON object, byte for byte as published.
    pub payload: Payload<'a>,
}

/// Why a record is no event.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvent {
    /// It is not an object.
    #[error("the record is not a JSON object")]
    NotAnObject,
    /// The object is malformed, or has one of our keys twice. The cause names a position or a key
    /// and never quotes a value.
    #[error("the record is not valid JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// A required field is absent or null.
    #[error("'{0}' is missing")]
    Missing(&'static str),
    /// A field has a value that it must not have.
    #[error("'{field}' {must}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// The topic is unknown.
    #[error("'topic' is invalid: {0}")]
    Topic(#[from] crate::event::topic::UnknownTopic),
    /// Its deliveries would not fit into an SQS message.
    #[error("'payload' is too large to send: {bytes} bytes, {PAYLOAD_LIMIT} at most")]
    TooLarge {
        /// The size of the payload in a message.
        bytes: usize,
    },
}

impl<'a> StoreEvent<'a> {
    /// Reads an event from a record's bytes.
    ///
    /// ```
    /// use storehook_domain::event::{StoreEvent, origin::RecordOrigin};
    ///
    /// let origin = RecordOrigin {
    ///     shard_id: "shardId-000000000000",
    ///     sequence_number: "1",
    ///     arrived_at: jiff::Timestamp::UNIX_EPOCH,
    /// };
    /// let record = br#"{"shop": "a.example", "topic": "orders/create", "payload": {"n": 199.0}}"#;
    /// let event = StoreEvent::parse(record, &origin)?;
    /// assert_eq!(event.payload.as_str(), r#"{"n": 199.0}"#);
    ///
    /// let record = br#"{"shop": "a.example", "topic": "orders/create"}"#;
    /// let error = StoreEvent::parse(record, &origin).unwrap_err();
    /// assert_eq!(error.to_string(), "'payload' is missing");
    /// # Ok::<_, storehook_domain::event::InvalidEvent>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The record is no event, or its payload is too large for a delivery.
    pub fn parse(record: &'a [u8], origin: &RecordOrigin<'_>) -> Result<Self, InvalidEvent> {
        let record = without_byte_order_mark(record);
        if record.trim_ascii_start().first() != Some(&b'{') {
            return Err(InvalidEvent::NotAnObject);
        }
        let fields: Fields<'a> = serde_json::from_slice(record).map_err(InvalidEvent::NotJson)?;

        let shop = ShopDomain::parse(&required("shop", text("shop", fields.shop)?)?)
            .map_err(|_| InvalidEvent::Field { field: "shop", must: "must be a shop's domain" })?;
        let topic = match text("topic", fields.topic)? {
            Some(topic) => topic,
            None => required("topic", text("event", fields.event)?)?,
        };
        let payload = Payload::new(required("payload", fields.payload)?)
            .map_err(|_| InvalidEvent::Field { field: "payload", must: "must be an object" })?;
        let id = match text("event_id", fields.event_id)? {
            Some(id) => EventId::parse(&id)
                .map_err(|_| InvalidEvent::Field { field: "event_id", must: EventId::RULE })?,
            None => EventId::of_record(origin),
        };
        let triggered_at = match text("triggered_at", fields.triggered_at)? {
            Some(time) => instant(&time).ok_or(InvalidEvent::Field {
                field: "triggered_at",
                must: "must be an ISO 8601 date and time with an offset",
            })?,
            None => origin.arrived_at,
        };
        let app = app_of("app", fields.app)?;
        let pushed_by = app_of("pushed_by", fields.pushed_by)?;
        let is_test = match fields.test.map(RawValue::get) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(InvalidEvent::Field { field: "test", must: "must be true or false" }),
        };
        let traceparent = traceparent_of(fields.traceparent);
        let topic = Topic::parse(&topic)?;
        // The event ends an installation, so it must name the app.
        if topic.as_str() == APP_UNINSTALLED && app.is_none() {
            return Err(InvalidEvent::Missing("app"));
        }
        let bytes = payload.size_in_message();
        if bytes > PAYLOAD_LIMIT {
            return Err(InvalidEvent::TooLarge { bytes });
        }
        let resource_id = payload.resource_id(topic.resource()).map(Cow::into_owned);
        Ok(Self { shop, app, topic, id, triggered_at, pushed_by, is_test, traceparent, resource_id, payload })
    }
}

impl StoreEvent<'_> {
    /// Whether an app's webhooks get it: it names no app, or this one.
    pub fn is_for(&self, app: &AppId) -> bool {
        self.app.as_ref().is_none_or(|only| only == app)
    }

    /// The partition key of its record: the shop and the payload's id. So all events of a resource
    /// are on one shard and keep their order. Kinesis takes at most 256 characters.
    pub fn partition_key(&self) -> String {
        let id = self.resource_id.as_deref().unwrap_or(self.id.as_str());
        format!("{}/{id}", self.shop).chars().take(256).collect()
    }
}

/// The record's fields, each still raw, so that an error can name its field.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    shop: Option<&'a RawValue>,
    #[serde(borrow)]
    topic: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    event_id: Option<&'a RawValue>,
    #[serde(borrow)]
    triggered_at: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    test: Option<&'a RawValue>,
    #[serde(borrow)]
    app: Option<&'a RawValue>,
    #[serde(borrow)]
    pushed_by: Option<&'a RawValue>,
    #[serde(borrow)]
    traceparent: Option<&'a RawValue>,
}

fn text(field: &'static str, value: Option<&RawValue>) -> Result<Option<String>, InvalidEvent> {
    optional_text(value).map_err(|must| InvalidEvent::Field { field, must })
}

fn app_of(field: &'static str, value: Option<&RawValue>) -> Result<Option<AppId>, InvalidEvent> {
    let app = text(field, value)?.map(|app| AppId::parse(&app)).transpose();
    app.map_err(|_| InvalidEvent::Field { field, must: "must be an app's name" })
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, InvalidEvent> {
    value.ok_or(InvalidEvent::Missing(field))
}

#[cfg(test)]
mod tests;
