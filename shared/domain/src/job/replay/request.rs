//! The request for a replay, as the API reads it.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value};

use crate::{
    event::id::EventId,
    input::{self, field_errors::FieldErrors},
    installation::{app::AppId, shop::ShopDomain},
    job::replay::{Replay, ReplayState},
    webhook::WebhookId,
};

/// How many deliveries a replay sends a second, where the request does not say.
pub const DEFAULT_PER_SECOND: u32 = 50;

/// The most that a replay may send a second.
pub const MOST_PER_SECOND: u32 = 1_000;

/// A request for a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayRequest {
    /// The replay's id, where the request gives one.
    pub id: Option<String>,
    /// Only deliveries that were first queued at this time or later.
    pub from: Timestamp,
    /// Only deliveries that were first queued at this time or earlier.
    pub to: Timestamp,
    /// Only deliveries in this state.
    pub state: ReplayState,
    /// How many deliveries to send a second.
    pub per_second: u32,
    /// Whether the deliveries are only to be counted.
    pub is_dry_run: bool,
}

impl ReplayRequest {
    /// Reads a request. Dates are meant in the shop's time zone. It names everything that is wrong at once.
    ///
    /// # Errors
    ///
    /// Where a member is missing or invalid.
    pub fn parse(members: &Map<String, Value>, zone: &TimeZone, now: Timestamp) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let is_dry_run = match members.get("dry_run") {
            None | Some(Value::Null) => Some(false),
            Some(Value::Bool(is_dry_run)) => Some(*is_dry_run),
            Some(_) => errors.collect("dry_run", Err("must be true or false")),
        };
        let per_second = match members.get("per_second") {
            None | Some(Value::Null) => Some(DEFAULT_PER_SECOND),
            Some(value) => errors.collect("per_second", per_second(value)),
        };
        let from = time(members, "from", Timestamp::UNIX_EPOCH, zone, &mut errors);
        let to = time(members, "to", now, zone, &mut errors);
        let state = match text(members, "state", &mut errors) {
            Some(name) => {
                let found = ReplayState::ALL.into_iter().find(|state| state.as_str() == name);
                errors.collect("state", found.ok_or("is not included in the list"))
            }
            None if members.get("state").is_none_or(Value::is_null) => {
                errors.collect("state", Err("can't be blank"))
            }
            None => None,
        };
        let id = text(members, "id", &mut errors).and_then(|id| {
            let is_id = EventId::parse(id).map(|_| id.to_owned());
            errors.collect("id", is_id.map_err(|_| "must be 1 to 64 letters, digits, '_' or '-'"))
        });
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            errors.add("to", "must not be before from");
        }
        match (from, to, state, per_second, is_dry_run) {
            (Some(from), Some(to), Some(state), Some(per_second), Some(is_dry_run)) => {
                errors.or(Self { id, from, to, state, per_second, is_dry_run })
            }
            _ => Err(errors),
        }
    }

    /// The replay of a webhook's deliveries that begins now. It has the request's id, or else
    /// `new_id`.
    pub fn begin(
        self,
        webhook_id: WebhookId,
        shop: ShopDomain,
        app: AppId,
        new_id: String,
        now: Timestamp,
    ) -> Replay {
        let Self { id, from, to, state, per_second, is_dry_run: _ } = self;
        let id = id.unwrap_or(new_id);
        Replay { id, webhook_id, shop, app, from, to, state, per_second, began_at: now }
    }
}

fn per_second(value: &Value) -> Result<u32, &'static str> {
    let number = value.as_u64().and_then(|number| number.try_into().ok());
    number.filter(|number| (1..=MOST_PER_SECOND).contains(number)).ok_or("must be between 1 and 1000")
}

fn time(
    members: &Map<String, Value>,
    name: &'static str,
    default: Timestamp,
    zone: &TimeZone,
    errors: &mut FieldErrors,
) -> Option<Timestamp> {
    match text(members, name, errors) {
        Some(text) => errors.collect(name, input::time::time(zone)(text)),
        None => Some(default),
    }
}

/// A member that is a text; null is as if it were absent.
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

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const NOW: &str = "2026-11-21T15:00:00Z";

    fn parse(body: Value) -> Result<ReplayRequest, Value> {
        let members = body.as_object().cloned().unwrap_or_default();
        let now = NOW.parse().unwrap_or_default();
        ReplayRequest::parse(&members, &TimeZone::UTC, now).map_err(|errors| json!(errors))
    }

    #[test]
    fn a_replay_is_a_window_a_state_and_a_pace() -> TestResult {
        let expected = ReplayRequest {
            id: None,
            from: Timestamp::UNIX_EPOCH,
            to: NOW.parse()?,
            state: ReplayState::Dead,
            per_second: 50,
            is_dry_run: false,
        };
        assert_eq!(parse(json!({"state": "dead", "id": null, "per_second": null})), Ok(expected));
        let body = json!({"state": "all", "id": "mine", "dry_run": true, "from": "2026-11-20T00:00:00+01:00",
                          "to": "2026-11-21T00:00:00Z", "per_second": 1000});
        let expected = ReplayRequest {
            id: Some("mine".to_owned()),
            from: "2026-11-19T23:00:00Z".parse()?,
            to: "2026-11-21T00:00:00Z".parse()?,
            state: ReplayState::All,
            per_second: 1_000,
            is_dry_run: true,
        };
        assert_eq!(parse(body.clone()), Ok(expected.clone()));
        let body = body.to_string().replace("2026-11-20T00:00:00+01:00", "2026-11-20 00:00:00 +0100");
        let body = body.replace("2026-11-21T00:00:00Z", "2026-11-21");
        assert_eq!(parse(serde_json::from_str(&body)?), Ok(expected), "as Ruby prints times, and dates");
        Ok(())
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        for (body, errors) in [
            (json!({}), json!({"state": ["can't be blank"]})),
            (json!({"state": "retrying"}), json!({"state": ["is not included in the list"]})),
            (json!({"state": 7}), json!({"state": ["must be a string"]})),
            (json!({"state": "all", "dry_run": "yes"}), json!({"dry_run": ["must be true or false"]})),
            (json!({"state": "all", "per_second": 0}), json!({"per_second": ["must be between 1 and 1000"]})),
            (
                json!({"state": "all", "per_second": 1.5}),
                json!({"per_second": ["must be between 1 and 1000"]}),
            ),
            (
                json!({"state": "all", "per_second": 1001}),
                json!({"per_second": ["must be between 1 and 1000"]}),
            ),
            (
                json!({"state": "all", "from": NOW, "to": "2026-11-21T14:59:59Z"}),
                json!({"to": ["must not be before from"]}),
            ),
            (
                json!({"from": "monday", "id": "a.b"}),
                json!({
                    "from": ["must be an ISO 8601 date and time with an offset, or a date"],
                    "state": ["can't be blank"],
                    "id": ["must be 1 to 64 letters, digits, '_' or '-'"],
                }),
            ),
        ] {
            assert_eq!(parse(body.clone()), Err(errors), "{body}");
        }
    }
}
