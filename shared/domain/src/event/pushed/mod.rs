//! Pushed events: those that come over the API and not from the store itself.
//!
//! A push is one event or a list of events. An event has a topic and a payload. The payload is a
//! member of its own or, in Spree's flat form, all members but the topic.
//!
//! Each event becomes the record that a store would publish, and the reader of records
//! ([`StoreEvent::parse`]) checks it. So fan-out takes every event that the API takes. A list is
//! accepted as a whole or not at all.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    event::{
        InvalidEvent, StoreEvent,
        catalogue::{self, APP_UNINSTALLED},
        id::EventId,
        origin::RecordOrigin,
    },
    input::{field_errors::FieldErrors, optional_text::optional_text},
    installation::{app::AppId, shop::ShopDomain},
    payload::{limits::PAYLOAD_LIMIT, members::Members},
};

/// The largest number of events in a push: Kinesis takes as many in one call (`PutRecords`).
pub const PUSH_LIMIT: usize = 500;

/// A valid push, ready to be put on the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedEvents {
    /// The events, in their order.
    pub events: Vec<PushedEvent>,
    /// Whether they came as a list.
    pub is_list: bool,
}

/// A valid event, ready to be put on the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedEvent {
    /// Its id: the sender's, or a new one.
    pub id: EventId,
    /// The partition key of its record.
    pub partition_key: String,
    /// The record.
    pub record: String,
}

/// Why a push is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPush {
    /// It is no JSON object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// Its only event is invalid.
    #[error("the event is invalid")]
    Event(FieldErrors),
    /// It has no event, or more than [`PUSH_LIMIT`].
    #[error("a push has 1 to {PUSH_LIMIT} events")]
    Length,
    /// Some events of its list are invalid. Each has its index in the list, from 0.
    #[error("some of the events are invalid")]
    Events(Vec<(usize, FieldErrors)>),
}

impl PushedEvents {
    /// Reads a push of this app to this shop. `new_id` makes an id for an event without one.
    ///
    /// ```
    /// use storehook_domain::{
    ///     event::{id::EventId, pushed::PushedEvents},
    ///     installation::{app::AppId, shop::ShopDomain},
    /// };
    ///
    /// let (shop, app) = (ShopDomain::parse("a.example")?, AppId::parse("importer")?);
    /// let parse = |body: &str| {
    ///     let new_id = || EventId::parse("new").expect("it is an id");
    ///     PushedEvents::parse(body.as_bytes(), &shop, &app, jiff::Timestamp::UNIX_EPOCH, new_id)
    /// };
    /// let pushed = parse(r#"{"event": "order:new", "payload": {"id": 1}}"#)?;
    /// assert_eq!(pushed.events[0].partition_key, "a.example/1");
    ///
    /// let error = parse(r#"{"event": "order:new", "payload": []}"#).unwrap_err();
    /// assert_eq!(error.errors().to_string(), r#"{"payload":["must be an object"]}"#);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The body is no push, or an event of it is invalid.
    pub fn parse(
        body: &[u8],
        shop: &ShopDomain,
        app: &AppId,
        now: Timestamp,
        mut new_id: impl FnMut() -> EventId,
    ) -> Result<Self, InvalidPush> {
        let body = std::str::from_utf8(body).map_err(|_| InvalidPush::NotAnObject)?;
        let members = Members::of(body).ok_or(InvalidPush::NotAnObject)?;
        let Some(list) = list_of(&members) else {
            let event = pushed_event(&members, shop, app, now, &mut new_id).map_err(InvalidPush::Event)?;
            return Ok(Self { events: vec![event], is_list: false });
        };
        if !(1..=PUSH_LIMIT).contains(&list.len()) {
            return Err(InvalidPush::Length);
        }
        let (mut events, mut errors) = (Vec::with_capacity(list.len()), Vec::new());
        let mut ids = HashSet::new();
        for (index, event) in list.into_iter().enumerate() {
            let event = match Members::of(event.get()) {
                Some(members) => pushed_event(&members, shop, app, now, &mut new_id),
                None => Err(FieldErrors::one("event", "must be an object")),
            };
            match event {
                Ok(event) if !ids.insert(event.id.clone()) => {
                    errors
                        .push((index, FieldErrors::one("event_id", "is used by another event of the list")));
                }
                Ok(event) => events.push(event),
                Err(wrong) => errors.push((index, wrong)),
            }
        }
        if errors.is_empty() { Ok(Self { events, is_list: true }) } else { Err(InvalidPush::Events(errors)) }
    }
}

impl InvalidPush {
    /// The errors by field, as the API prints them. In a list, the event's index stands before the
    /// field: `events.3.topic`.
    pub fn errors(&self) -> Value {
        match self {
            Self::NotAnObject => json!({"event": ["must be a JSON object"]}),
            Self::Event(errors) => json!(errors),
            Self::Length => json!({"events": [format!("must be 1 to {PUSH_LIMIT} events")]}),
            Self::Events(errors) => {
                let fields = errors.iter().flat_map(|(index, errors)| {
                    let fields = json!(errors).as_object().cloned().unwrap_or_default();
                    fields
                        .into_iter()
                        .map(move |(name, messages)| (format!("events.{index}.{name}"), messages))
                });
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

/// The record of an event, as a store publishes it, or as this app pushed it. The payload keeps its
/// bytes: its numbers must not go through a parser.
pub fn event_record(
    shop: &ShopDomain,
    topic: &str,
    id: &EventId,
    triggered_at: Timestamp,
    pushed_by: Option<&AppId>,
    payload: &str,
) -> String {
    let mut head = json!({"shop": shop, "topic": topic, "event_id": id, "triggered_at": triggered_at});
    if let Some(app) = pushed_by {
        head["pushed_by"] = json!(app);
    }
    let head = head.to_string();
    format!("{},\"payload\":{payload}}}", head.trim_end_matches('}'))
}

/// The events of a list. A push with a topic is a single event, even if it has a member `events`.
fn list_of<'a>(members: &Members<'a>) -> Option<Vec<&'a RawValue>> {
    let is_event = members.get("topic").is_some() || members.get("event").is_some();
    let list = members.get("events").filter(|_| !is_event)?;
    serde_json::from_str(list.get()).ok()
}

/// Whether an app may push events of this topic. Storehook alone tells how a webhook is, and the
/// store that an app was uninstalled.
pub fn is_pushable(topic: &str) -> bool {
    topic != APP_UNINSTALLED && !catalogue::is_operational(topic)
}

fn pushed_event(
    members: &Members<'_>,
    shop: &ShopDomain,
    app: &AppId,
    now: Timestamp,
    new_id: &mut impl FnMut() -> EventId,
) -> Result<PushedEvent, FieldErrors> {
    let mut errors = FieldErrors::default();
    let topic = text(members, "topic", &mut errors).or_else(|| text(members, "event", &mut errors));
    let has_payload = members.get("payload").is_some();
    let id = has_payload.then(|| text(members, "event_id", &mut errors)).flatten();
    let id = match id.map(|id| EventId::parse(&id)) {
        None => Some(new_id()),
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => {
            errors.add("event_id", EventId::RULE);
            None
        }
    };
    if topic.as_deref().is_none_or(|topic| topic.trim().is_empty()) && !errors.names("topic") {
        errors.add("topic", "can't be blank");
    }
    if topic.as_deref().is_some_and(|topic| !is_pushable(topic)) {
        errors.add("topic", "cannot be pushed");
    }
    let payload = match members.get("payload") {
        Some(payload) => payload.get().to_owned(),
        None => flat_payload(members),
    };
    let Some(topic) = topic.filter(|_| !errors.names("topic")) else { return Err(errors) };
    // An event with an invalid id is checked with another id, to find all its errors at once.
    let id = id.unwrap_or_else(new_id);
    let record = event_record(shop, &topic, &id, now, Some(app), &payload);
    let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: now };
    match StoreEvent::parse(record.as_bytes(), &origin).map(|event| event.partition_key()) {
        Ok(partition_key) => errors.or(PushedEvent { id, partition_key, record }),
        Err(error) => {
            let (field, message) = field_error(&error);
            errors.add(field, message);
            Err(errors)
        }
    }
}

/// An optional text. An error in `event`, the topic's other name, goes to the topic.
fn text(members: &Members<'_>, name: &'static str, errors: &mut FieldErrors) -> Option<String> {
    let field = if name == "event" { "topic" } else { name };
    errors.collect(field, optional_text(members.get(name))).flatten()
}

/// The payload of the flat form: all members but the topic, each with its bytes.
fn flat_payload(members: &Members<'_>) -> String {
    let payload = members.0.iter().filter(|member| !member.is_named("event") && !member.is_named("topic"));
    let rendered = payload.map(|member| member.to_json(member.value.get()));
    format!("{{{}}}", rendered.collect::<Vec<_>>().join(","))
}

/// The field and the API's message for an event that fan-out would reject.
fn field_error(error: &InvalidEvent) -> (&'static str, String) {
    match error {
        InvalidEvent::NotAnObject | InvalidEvent::NotJson(_) => ("event", error.to_string()),
        InvalidEvent::Missing(field) => (field, "can't be blank".to_owned()),
        InvalidEvent::Field { field, must } => (field, (*must).to_owned()),
        InvalidEvent::Topic(_) => ("topic", "is neither a topic of the catalogue nor a noun:verb".to_owned()),
        InvalidEvent::TooLarge { bytes } => {
            ("payload", format!("is too large: {bytes} bytes, {PAYLOAD_LIMIT} at most"))
        }
    }
}

#[cfg(test)]
mod tests;
