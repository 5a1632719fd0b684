//! The query of a list of deliveries: which of them, and from where on.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    event::id::EventId,
    history::state::DeliveryState,
    input::{
        field_errors::FieldErrors,
        query_parameters::{DEFAULT_PAGE_LIMIT, QueryParameters, limit, time},
    },
};

/// A list's query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Only deliveries in this state.
    pub state: Option<DeliveryState>,
    /// Only deliveries that were queued at this time or later.
    pub since: Option<Timestamp>,
    /// Only deliveries that were queued at this time or earlier.
    pub until: Option<Timestamp>,
    /// How many deliveries a page has.
    pub limit: usize,
    /// Only what comes after this delivery.
    pub after: Option<DeliveryPosition>,
}

/// A delivery's place among those of its webhook: when it was first queued, and its event. It never
/// changes, so what is listed after it is the same however many come before it meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryPosition(String);

/// The text is no position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is invalid")]
pub struct InvalidPosition;

impl DeliveryPosition {
    /// The place of a delivery that was first queued at this time.
    pub fn of(created_at: Timestamp, event_id: &EventId) -> Self {
        Self(format!("{}{event_id}", Self::start_of(created_at).0))
    }

    /// The place before every delivery that was queued at this time or later.
    pub fn start_of(time: Timestamp) -> Self {
        // 17 digits of microseconds are more than three thousand years.
        Self(format!("{:017}#", time.as_microsecond().max(0)))
    }

    /// The place after every delivery that was queued at this time or earlier.
    pub fn end_of(time: Timestamp) -> Self {
        // No character of an event's id comes after it.
        Self(format!("{}~", Self::start_of(time).0))
    }

    /// The position as the history's keys have it: texts that sort as positions do.
    pub fn as_key(&self) -> &str {
        &self.0
    }

    /// Reads a key.
    pub fn from_key(key: &str) -> Result<Self, InvalidPosition> {
        let (micros, event_id) = key.split_once('#').ok_or(InvalidPosition)?;
        let is_time = micros.len() == 17 && micros.bytes().all(|byte| byte.is_ascii_digit());
        let is_event = EventId::parse(event_id).is_ok();
        (is_time && is_event).then(|| Self(key.to_owned())).ok_or(InvalidPosition)
    }

    /// The event of the delivery at this place.
    pub fn event_id(&self) -> Option<EventId> {
        let (_, event_id) = self.0.split_once('#')?;
        EventId::parse(event_id).ok()
    }

    /// When the delivery at this place was first queued.
    pub fn created_at(&self) -> Timestamp {
        let micros = self.0.split('#').next().and_then(|micros| micros.parse().ok());
        micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()).unwrap_or_default()
    }

    /// The position for a client's hands: opaque.
    pub fn to_page_info(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Reads what [`Self::to_page_info`] wrote.
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
    /// Reads the query of a list, and tells all that is wrong with it at once.
    pub fn parse(query: &str) -> Result<Self, FieldErrors> {
        let parameters = QueryParameters::parse(query);
        let mut errors = FieldErrors::default();
        let read = Self {
            state: parameters.read("state", &mut errors, state).flatten(),
            since: parameters.read("since", &mut errors, time),
            until: parameters.read("until", &mut errors, time),
            limit: parameters.read("limit", &mut errors, limit).unwrap_or(DEFAULT_PAGE_LIMIT),
            after: parameters.read("page_info", &mut errors, page_info).flatten(),
        };
        errors.or(read)
    }

    /// Reads the query of statistics, which knows `since` and `until`.
    pub fn parse_window(query: &str) -> Result<(Option<Timestamp>, Option<Timestamp>), FieldErrors> {
        let parameters = QueryParameters::parse(query);
        let mut errors = FieldErrors::default();
        let since = parameters.read("since", &mut errors, time);
        let until = parameters.read("until", &mut errors, time);
        errors.or((since, until))
    }
}

/// A state, or any where the text is blank.
fn state(text: &str) -> Result<Option<DeliveryState>, &'static str> {
    match text.trim() {
        "" => Ok(None),
        name => DeliveryState::from_name(name).map(Some).ok_or("is not included in the list"),
    }
}

/// A position, or the first page where the text is blank.
fn page_info(text: &str) -> Result<Option<DeliveryPosition>, InvalidPosition> {
    if text.is_empty() { Ok(None) } else { DeliveryPosition::from_page_info(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn every_parameter_is_read_and_what_is_wrong_is_named() -> TestResult {
        let event = EventId::parse("e_1-x")?;
        let position = DeliveryPosition::of("2026-11-21T15:00:00.123456Z".parse()?, &event);
        let query = format!(
            "state=dead&since=2026-11-21T10:00:00-05:00&until=2026-11-22T00:00:00Z&limit=3&page_info={}&x=1",
            position.to_page_info()
        );
        let expected = DeliveryQuery {
            state: Some(DeliveryState::Dead),
            since: Some("2026-11-21T15:00:00Z".parse()?),
            until: Some("2026-11-22T00:00:00Z".parse()?),
            limit: 3,
            after: Some(position),
        };
        assert_eq!(DeliveryQuery::parse(&query).as_ref(), Ok(&expected));
        let nothing = DeliveryQuery { state: None, since: None, until: None, limit: 50, after: None };
        for query in ["", "state=&page_info="] {
            assert_eq!(DeliveryQuery::parse(query).as_ref(), Ok(&nothing), "{query}");
        }
        let errors = DeliveryQuery::parse("state=lost&since=today&until=&limit=251&page_info=bm9wZQ");
        assert_eq!(
            errors.err().map(|errors| json!(errors)),
            Some(json!({
                "state": ["is not included in the list"],
                "since": ["must be an ISO 8601 date and time with an offset"],
                "until": ["must be an ISO 8601 date and time with an offset"],
                "limit": ["must be between 1 and 250"],
                "page_info": ["is invalid"],
            }))
        );
        Ok(())
    }

    #[test]
    fn only_what_we_wrote_is_a_position() {
        for key in [
            "",
            "1#e",
            "01795000000000000",
            "01795000000000000#",
            "0179500000000000x#e",
            "01795000000000000#a.b",
        ] {
            assert_eq!(DeliveryPosition::from_key(key), Err(InvalidPosition), "{key}");
        }
        assert_eq!(DeliveryPosition::from_page_info("%"), Err(InvalidPosition));
    }

    proptest! {
        #[test]
        fn keys_sort_as_times_do_and_read_back(
            a in 0..4_000_000_000_000_000_i64, b in 0..4_000_000_000_000_000_i64, ids in ("[A-Za-z0-9_-]{1,64}", "[A-Za-z0-9_-]{1,64}"),
        ) {
            let time = |micros| Timestamp::from_microsecond(micros).unwrap_or_default();
            let fail = |_| TestCaseError::fail("an id");
            let (x, y) = (EventId::parse(&ids.0).map_err(fail)?, EventId::parse(&ids.1).map_err(fail)?);
            let (first, second) = (DeliveryPosition::of(time(a), &x), DeliveryPosition::of(time(b), &y));
            prop_assert_eq!(first.cmp(&second), (a, ids.0.as_str()).cmp(&(b, ids.1.as_str())));
            prop_assert_eq!(DeliveryPosition::from_page_info(&first.to_page_info()), Ok(first.clone()));
            prop_assert_eq!(first.created_at(), time(a));
            prop_assert!(DeliveryPosition::start_of(time(a)) < first && first < DeliveryPosition::end_of(time(a)));
        }
    }
}
