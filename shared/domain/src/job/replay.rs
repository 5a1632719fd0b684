//! Replays: deliveries of a webhook that are to be sent again, any number of them, step by step.
//!
//! A replay is a window of time and a state. It is worked on in steps, from the oldest delivery on,
//! and each step's response has a cursor for the next. The cursor holds all that the replay is, so
//! that any step may be made again: what a step has sent is marked with the replay's id, and is not
//! sent by it a second time.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    delivery::run::RunId,
    event::id::EventId,
    history::{query::DeliveryPosition, state::DeliveryState},
    input::{field_errors::FieldErrors, query_parameters},
};

/// Which deliveries a replay sends again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplayState {
    /// Those whose last attempt has failed.
    Dead,
    /// Those that were held because their webhook was paused or disabled.
    Held,
    /// All that do not wait for their first attempt anyway.
    All,
}

/// A replay, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Its id: the same replay again sends nothing again.
    pub id: String,
    /// Only deliveries that were first queued at this time or later.
    pub from: Timestamp,
    /// Only deliveries that were first queued at this time or earlier.
    pub to: Timestamp,
    /// Only deliveries in this state.
    pub state: ReplayState,
    /// Whether the deliveries are only to be counted, in all of its steps.
    #[serde(default)]
    pub is_dry_run: bool,
    /// The last delivery that has been dealt with, as a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl ReplayState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Dead, Self::Held, Self::All];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Held => "held",
            Self::All => "all",
        }
    }

    /// The states of the deliveries that are sent again.
    pub fn states(self) -> impl Iterator<Item = DeliveryState> {
        DeliveryState::ALL.into_iter().filter(move |state| self.includes(*state))
    }

    /// Whether deliveries in this state are sent again.
    pub fn includes(self, state: DeliveryState) -> bool {
        match self {
            Self::Dead => state == DeliveryState::Dead,
            Self::Held => state == DeliveryState::Held,
            Self::All => state != DeliveryState::Pending,
        }
    }
}

impl Replay {
    /// The run of its deliveries.
    pub fn run(&self) -> RunId {
        match self.state {
            ReplayState::Dead | ReplayState::Held => RunId::Replay(self.id.clone()),
            ReplayState::All => RunId::ReplayAll(self.id.clone()),
        }
    }

    /// The last delivery that has been dealt with.
    pub fn after(&self) -> Option<DeliveryPosition> {
        DeliveryPosition::from_key(self.after.as_deref()?).ok()
    }

    /// The cursor with which the replay goes on after this delivery.
    pub fn cursor(&self, after: &DeliveryPosition) -> String {
        let next = Self { after: Some(after.as_key().to_owned()), ..self.clone() };
        URL_SAFE_NO_PAD.encode(serde_json::json!(next).to_string())
    }

    fn from_cursor(text: &str) -> Option<Self> {
        let replay: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let is_ours = EventId::parse(&replay.id).is_ok() && replay.after().is_some();
        is_ours.then_some(replay)
    }

    /// Reads a wish for a step of a replay. With a `cursor` the replay is the cursor's, whatever
    /// else is said; but what was begun as a dry run stays one, and what was not does not become
    /// one. `new_id` is of a replay that is not given one.
    ///
    /// # Errors
    ///
    /// If the wish is invalid, field by field.
    pub fn parse(members: &Map<String, Value>, new_id: String, now: Timestamp) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let is_dry_run = match members.get("dry_run") {
            None | Some(Value::Null) => None,
            Some(Value::Bool(is_dry_run)) => Some(*is_dry_run),
            Some(_) => {
                errors.add("dry_run", "must be true or false");
                None
            }
        };
        let Some(cursor) = text(members, "cursor", &mut errors) else {
            let new = Self::parse_new(members, new_id, now, &mut errors);
            return match new {
                Some(new) => errors.or(Self { is_dry_run: is_dry_run.unwrap_or_default(), ..new }),
                None => Err(errors),
            };
        };
        match errors.collect("cursor", Self::from_cursor(cursor).ok_or("is invalid")) {
            Some(replay) if is_dry_run.is_some_and(|said| said != replay.is_dry_run) => {
                errors.add("dry_run", "is not what the cursor's replay was begun with");
                Err(errors)
            }
            Some(replay) => errors.or(replay),
            None => Err(errors),
        }
    }

    fn parse_new(
        members: &Map<String, Value>,
        new_id: String,
        now: Timestamp,
        errors: &mut FieldErrors,
    ) -> Option<Replay> {
        let mut time = |name: &'static str, default: Timestamp| match text(members, name, errors) {
            Some(text) => errors.collect(name, query_parameters::time(text)),
            None => Some(default),
        };
        let (from, to) = (time("from", Timestamp::UNIX_EPOCH), time("to", now));
        let state = match text(members, "state", errors) {
            Some(name) => {
                let found = ReplayState::ALL.into_iter().find(|state| state.as_str() == name);
                errors.collect("state", found.ok_or("is not included in the list"))
            }
            None if members.get("state").is_none_or(Value::is_null) => {
                errors.add("state", "can't be blank");
                None
            }
            None => None,
        };
        let id = match text(members, "id", errors) {
            Some(id) => {
                let is_id = EventId::parse(id).map(|_| id.to_owned());
                errors.collect("id", is_id.map_err(|_| "must be 1 to 64 letters, digits, '_' or '-'"))
            }
            None => Some(new_id),
        };
        let (from, to) = (from?, to?);
        if to < from {
            errors.add("to", "must not be before from");
        }
        Some(Self { id: id?, from, to, state: state?, is_dry_run: false, after: None })
    }
}

/// A member that is a text; null is as if it were not said.
fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
    errors: &mut FieldErrors,
) -> Option<&'a str> {
    match members.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => {
            errors.add(name, "must be a string");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::delivery::id::DeliveryId;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const NOW: &str = "2026-11-21T15:00:00Z";

    fn parse(body: Value) -> Result<Replay, Value> {
        let members = body.as_object().cloned().unwrap_or_default();
        let now = NOW.parse().unwrap_or_default();
        Replay::parse(&members, "new".to_owned(), now).map_err(|errors| json!(errors))
    }

    #[test]
    fn a_replay_is_a_window_and_a_state() -> TestResult {
        let request = parse(json!({"state": "dead"})).map_err(|errors| errors.to_string())?;
        let expected = Replay {
            id: "new".to_owned(),
            from: Timestamp::UNIX_EPOCH,
            to: NOW.parse()?,
            state: ReplayState::Dead,
            is_dry_run: false,
            after: None,
        };
        assert_eq!(request, expected);
        let body = json!({"state": "all", "id": "mine", "dry_run": true, "from": "2026-11-20T00:00:00+01:00",
                          "to": "2026-11-21T00:00:00Z", "cursor": null});
        let request = parse(body).map_err(|errors| errors.to_string())?;
        assert_eq!((request.is_dry_run, request.id.as_str()), (true, "mine"));
        assert_eq!(request.from, "2026-11-19T23:00:00Z".parse()?);
        Ok(())
    }

    #[test]
    fn all_invalid_fields_are_named_at_once() {
        for (body, errors) in [
            (json!({}), json!({"state": ["can't be blank"]})),
            (json!({"state": "retrying"}), json!({"state": ["is not included in the list"]})),
            (json!({"state": 7}), json!({"state": ["must be a string"]})),
            (json!({"state": "all", "cursor": "bm9wZQ"}), json!({"cursor": ["is invalid"]})),
            (json!({"cursor": 7, "state": "all"}), json!({"cursor": ["must be a string"]})),
            (json!({"state": "all", "dry_run": "yes"}), json!({"dry_run": ["must be true or false"]})),
            (
                json!({"state": "all", "from": NOW, "to": "2026-11-21T14:59:59Z"}),
                json!({"to": ["must not be before from"]}),
            ),
            (
                json!({"from": "monday", "id": "a.b"}),
                json!({
                    "from": ["must be an ISO 8601 date and time with an offset"],
                    "state": ["can't be blank"],
                    "id": ["must be 1 to 64 letters, digits, '_' or '-'"],
                }),
            ),
        ] {
            assert_eq!(parse(body.clone()), Err(errors), "{body}");
        }
    }

    #[test]
    fn a_cursor_continues_the_same_replay() -> TestResult {
        let body = json!({"state": "held", "to": "2026-11-21T00:00:00Z"});
        let replay = parse(body).map_err(|errors| errors.to_string())?;
        let position = DeliveryPosition::of("2026-11-20T00:00:00Z".parse()?, &DeliveryId::parse("7-e1")?);
        let body = json!({"cursor": replay.cursor(&position), "state": "all", "id": "other"});
        let next = parse(body).map_err(|errors| errors.to_string())?;
        assert_eq!(next.after(), Some(position));
        assert_eq!(Replay { after: None, ..next }, replay);
        Ok(())
    }

    #[test]
    fn a_dry_run_stays_one_in_all_its_steps() -> TestResult {
        let position = DeliveryPosition::of("2026-11-20T00:00:00Z".parse()?, &DeliveryId::parse("7-e1")?);
        for begun_so in [true, false] {
            let replay =
                parse(json!({"state": "dead", "dry_run": begun_so})).map_err(|errors| errors.to_string())?;
            let cursor = replay.cursor(&position);
            let next = parse(json!({"cursor": cursor})).map_err(|errors| errors.to_string())?;
            assert_eq!(next.is_dry_run, begun_so);
            assert!(parse(json!({"cursor": cursor, "dry_run": begun_so})).is_ok());
            let other = parse(json!({"cursor": cursor, "dry_run": !begun_so}));
            let expected = json!({"dry_run": ["is not what the cursor's replay was begun with"]});
            assert_eq!(other, Err(expected));
        }
        Ok(())
    }

    #[test]
    fn pending_deliveries_are_never_replayed() {
        let names = |state: ReplayState| state.states().map(DeliveryState::as_str).collect::<Vec<_>>();
        assert_eq!(names(ReplayState::Dead), ["dead"]);
        assert_eq!(names(ReplayState::Held), ["held"]);
        assert_eq!(names(ReplayState::All), ["delivered", "retrying", "held", "cancelled", "dead"]);
    }
}
