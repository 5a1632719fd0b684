//! The query of a list of deliveries: which ones, and where the page begins.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::id::DeliveryId,
    event::id::EventId,
    history::{record::DeliveryRecord, state::DeliveryState},
    input::{
        field_errors::FieldErrors,
        query_parameters::{DEFAULT_PAGE_LIMIT, QueryParameters, limit},
        time::time,
    },
    webhook::WebhookId,
};

/// A list's query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Only deliveries of events with this id. There are few, so they are not paged.
    pub event_id: Option<EventId>,
    /// Only deliveries in this state.
    pub state: Option<DeliveryState>,
    /// Only deliveries that were queued at this time or later.
    pub since: Option<Timestamp>,
    /// Only deliveries that were queued at this time or earlier.
    pub until: Option<Timestamp>,
    /// How many deliveries a page has.
    pub limit: usize,
    /// Only deliveries after this position.
    pub after: Option<DeliveryPosition>,
}

/// A delivery's place among those of its webhook: when it was first queued, and its id. It never
/// changes, so what is listed after it is the same however many come before it meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryPosition(String);

/// The text is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is invalid")]
pub struct InvalidPosition;

impl DeliveryPosition {
    /// The position of a delivery that was first queued at this time.
    pub fn of(created_at: Timestamp, id: &DeliveryId) -> Self {
        Self(format!("{}{}", Self::start_of(created_at).0, id.of_event()))
    }

    /// The position before every delivery that was queued at this time or later.
    pub fn start_of(time: Timestamp) -> Self {
        // 17 digits of microseconds last for more than three thousand years.
        Self(format!("{:017}#", time.as_microsecond().max(0)))
    }

    /// The position after every delivery that was queued at this time or earlier.
    pub fn end_of(time: Timestamp) -> Self {
        // No event's id begins with a character that sorts after this one.
        Self(format!("{}~", Self::start_of(time).0))
    }

    /// The position as a key of the history: keys sort as positions do.
    pub fn as_key(&self) -> &str {
        &self.0
    }

    /// Reads a key.
    ///
    /// # Errors
    ///
    /// If the text was not written by [`Self::as_key`].
    pub fn from_key(key: &str) -> Result<Self, InvalidPosition> {
        let (micros, event_id) = key.split_once('#').ok_or(InvalidPosition)?;
        let is_time = micros.len() == 17 && micros.bytes().all(|byte| byte.is_ascii_digit());
        let is_event = DeliveryId::of_webhook(WebhookId::new(0), event_id).is_some();
        (is_time && is_event).then(|| Self(key.to_owned())).ok_or(InvalidPosition)
    }

    /// The delivery of this webhook at this position.
    pub fn delivery_id(&self, webhook_id: WebhookId) -> Option<DeliveryId> {
        let (_, event) = self.0.split_once('#')?;
        DeliveryId::of_webhook(webhook_id, event)
    }

    /// When the delivery at this position was first queued.
    pub fn created_at(&self) -> Timestamp {
        let micros = self.0.split('#').next().and_then(|micros| micros.parse().ok());
        micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()).unwrap_or_default()
    }

    /// The position in an opaque form, for clients.
    pub fn to_page_info(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Reads what [`Self::to_page_info`] wrote.
    ///
    /// # Errors
    ///
    /// If the text was not written by [`Self::to_page_info`].
    pub fn from_page_info(text: &str) -> Result<Self, InvalidPosition> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidPosition)?;
        Self::from_key(&String::from_utf8(bytes).map_err(|_| InvalidPosition)?)
    }
}

impl TryFrom<String> for DeliveryPosition {
    type Error = InvalidPosition;

    fn try_from(key: String) -> Result<Self, InvalidPosition> {
        Self::from_key(&key)
    }
}

impl From<DeliveryPosition> for String {
    fn from(position: DeliveryPosition) -> Self {
        position.0
    }
}

impl DeliveryQuery {
    /// Whether a delivery is one of those, whatever its event.
    pub fn includes(&self, record: &DeliveryRecord) -> bool {
        self.state.is_none_or(|state| state == record.state)
            && self.since.is_none_or(|since| record.created_at >= since)
            && self.until.is_none_or(|until| record.created_at <= until)
    }

    /// Reads the query of a list. Dates are meant in the shop's time zone.
    ///
    /// # Errors
    ///
    /// If parameters are malformed. The error names all of them, field by field.
    pub fn parse(query: &str, zone: &TimeZone) -> Result<Self, FieldErrors> {
        let parameters = QueryParameters::parse(query);
        let mut errors = FieldErrors::default();
        let read = Self {
            event_id: parameters.read("event_id", &mut errors, event_id).flatten(),
            state: parameters.read("state", &mut errors, state).flatten(),
            since: parameters.read("since", &mut errors, time(zone)),
            until: parameters.read("until", &mut errors, time(zone)),
            limit: parameters.read("limit", &mut errors, limit).unwrap_or(DEFAULT_PAGE_LIMIT),
            after: parameters.read("page_info", &mut errors, page_info).flatten(),
        };
        errors.or(read)
    }

    /// The parameters of the list, without its page, for a link to another page. Events of one id
    /// have one page, so that parameter is left out.
    pub fn filters(&self) -> Vec<(&'static str, String)> {
        let state = self.state.map(|state| ("state", state.as_str().to_owned()));
        let since = self.since.map(|since| ("since", since.to_string()));
        let until = self.until.map(|until| ("until", until.to_string()));
        [state, since, until].into_iter().flatten().chain([("limit", self.limit.to_string())]).collect()
    }

    /// Reads the query of statistics: `since` and `until`.
    ///
    /// # Errors
    ///
    /// If one of them is malformed.
    pub fn parse_window(
        query: &str,
        zone: &TimeZone,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), FieldErrors> {
        let parameters = QueryParameters::parse(query);
        let mut errors = FieldErrors::default();
        let since = parameters.read("since", &mut errors, time(zone));
        let until = parameters.read("until", &mut errors, time(zone));
        errors.or((since, until))
    }
}

/// A state; `None`, which means any, if the text is blank.
fn state(text: &str) -> Result<Option<DeliveryState>, &'static str> {
    match text.trim() {
        "" => Ok(None),
        name => DeliveryState::from_name(name).map(Some).ok_or("is not included in the list"),
    }
}

/// An event id; `None`, which means those of all events, if the text is blank.
fn event_id(text: &str) -> Result<Option<EventId>, &'static str> {
    if text.is_empty() { Ok(None) } else { EventId::parse(text).map(Some).map_err(|_| EventId::RULE) }
}

/// A position; `None`, which means the first page, if the text is blank.
fn page_info(text: &str) -> Result<Option<DeliveryPosition>, InvalidPosition> {
    if text.is_empty() { Ok(None) } else { DeliveryPosition::from_page_info(text).map(Some) }
}

#[cfg(test)]
mod tests;
