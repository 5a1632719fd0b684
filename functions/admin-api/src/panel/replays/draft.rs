//! The draft of a replay: what was typed into the form, and the API's members that it means.
//!
//! Times are read on the shop's clock, see [`look::clock`](crate::panel::look::clock).

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::{Map, Value};
use storehook_domain::job::replay::{ReplayState, request::DEFAULT_PER_SECOND};

use crate::{
    http::local_time::local_time,
    panel::{fields::Fields, look::clock::instant},
};

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) state: String,
    pub(crate) per_second: String,
}

impl Draft {
    /// Reads a query or a form. What is not there is as a new form has it: the dead deliveries of
    /// the last 24 hours. An empty field was emptied by somebody, and stays empty.
    pub(crate) fn of(fields: &Fields, now: Timestamp, zone: &TimeZone) -> Self {
        let typed = |name: &str, default: String| {
            if fields.has(name) { fields.get(name).trim().to_owned() } else { default }
        };
        let day_ago = now.saturating_sub(24.hours()).unwrap_or(now);
        Self {
            from: typed("from", local_time(day_ago, zone)),
            to: typed("to", local_time(now, zone)),
            state: typed("state", ReplayState::Dead.as_str().to_owned()),
            per_second: typed("per_second", DEFAULT_PER_SECOND.to_string()),
        }
    }

    /// The members of the API's request. An empty field is as if it were absent.
    pub(crate) fn members(&self, zone: &TimeZone) -> Map<String, Value> {
        let per_second = self.per_second.parse::<u64>().map_or_else(|_| text(&self.per_second), Value::from);
        let members = [
            ("from", text(&instant(&self.from, zone))),
            ("to", text(&instant(&self.to, zone))),
            ("state", text(&self.state)),
            ("per_second", per_second),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_draft_is_the_apis_request() -> TestResult {
        let now = "2026-11-21T15:00:00Z".parse()?;
        let members = |query: &str| {
            let draft = Draft::of(&Fields::parse(query.as_bytes()), now, &TimeZone::UTC);
            Value::Object(draft.members(&TimeZone::UTC))
        };
        let (from, to) = ("2026-11-20T15:00:00+00:00", "2026-11-21T15:00:00+00:00");
        for (query, expected) in [
            ("", json!({"from": from, "to": to, "state": "dead", "per_second": 50})),
            ("state=held&from=", json!({"from": null, "to": to, "state": "held", "per_second": 50})),
            (
                "from=2026-11-21T10:00&to=x&state=&per_second=1.5",
                json!({"from": "2026-11-21T10:00:00+00:00", "to": "x", "state": null, "per_second": "1.5"}),
            ),
        ] {
            assert_eq!(members(query), expected, "{query}");
        }
        Ok(())
    }
}
