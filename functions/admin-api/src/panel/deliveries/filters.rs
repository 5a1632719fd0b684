//! The filters of the list of deliveries, as its query has them.
//!
//! A browser's field of a date and a time knows no time zone: what it sends is meant in the shop's.
//! Times with an offset and dates, as the API takes them, are understood as well, so links can have either.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use storehook_domain::{history::query::DeliveryQuery, input::field_errors::FieldErrors, webhook::WebhookId};
use url::form_urlencoded::Serializer;

use crate::panel::fields::Fields;

/// What the form has, as it was typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Filters {
    pub(super) webhook: String,
    pub(super) state: String,
    pub(super) since: String,
    pub(super) until: String,
    pub(super) page_info: String,
}

impl Filters {
    pub(super) fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).trim().to_owned();
        Self {
            webhook: text("webhook"),
            state: text("state"),
            since: text("since"),
            until: text("until"),
            page_info: text("page_info"),
        }
    }

    /// Reads the filters as the API reads its parameters. Without a webhook, all are meant.
    pub(super) fn parse(&self, zone: &TimeZone) -> Result<(Option<WebhookId>, DeliveryQuery), FieldErrors> {
        let webhook = match self.webhook.as_str() {
            "" => Ok(None),
            id => id.parse().map(Some),
        };
        let mut query = Serializer::new(String::new());
        let times = [("since", iso(&self.since, zone)), ("until", iso(&self.until, zone))];
        let texts = [("state", self.state.clone()), ("page_info", self.page_info.clone())];
        query.extend_pairs(times.iter().chain(&texts).filter(|(_, value)| !value.is_empty()));
        let parsed = DeliveryQuery::parse(&query.finish(), zone);
        let mut errors = parsed.as_ref().err().cloned().unwrap_or_default();
        let webhook = errors.collect("webhook", webhook).flatten();
        match parsed {
            Ok(query) => errors.or((webhook, query)),
            Err(_) => Err(errors),
        }
    }

    /// Whether deliveries are left out, wherever the page begins.
    pub(super) fn is_narrow(&self) -> bool {
        [&self.webhook, &self.state, &self.since, &self.until].iter().any(|text| !text.is_empty())
    }

    /// The list with these filters, from another position or from the beginning.
    pub(super) fn path(&self, page_info: Option<&str>) -> String {
        let page_info = page_info.unwrap_or_default();
        let fields = [
            ("webhook", self.webhook.as_str()),
            ("state", &self.state),
            ("since", &self.since),
            ("until", &self.until),
            ("page_info", page_info),
        ];
        let mut query = Serializer::new(String::new());
        query.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
        match query.finish() {
            query if query.is_empty() => "/panel/deliveries".to_owned(),
            query => format!("/panel/deliveries?{query}"),
        }
    }
}

/// A time as the API reads it: one without an offset gets the zone's. Any other text stays as it is.
fn iso(text: &str, zone: &TimeZone) -> String {
    // A text with an offset would be read as well, and the offset ignored.
    let is_absolute = text.parse::<Timestamp>().is_ok();
    let local: Option<DateTime> = text.parse().ok().filter(|_| !is_absolute && text.contains(['T', ' ']));
    match local.map(|local| local.to_zoned(zone.clone())) {
        Some(Ok(time)) => time.timestamp().to_string(),
        Some(Err(_)) | None => text.to_owned(),
    }
}

/// A time as a browser's field shows it: in the zone, to the second; `None` if the text is no time.
pub(super) fn local(text: &str, zone: &TimeZone) -> Option<String> {
    let time: Timestamp = iso(text, zone).parse().ok()?;
    Some(time.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_time_without_an_offset_is_meant_in_the_shops_zone() -> TestResult {
        let zone = TimeZone::get("America/New_York")?;
        for (text, expected, shown) in [
            ("2017-03-20T16:02", "2017-03-20T20:02:00Z", Some("2017-03-20T16:02:00")),
            ("2017-03-20T16:02:17", "2017-03-20T20:02:17Z", Some("2017-03-20T16:02:17")),
            ("2017-01-20T16:02", "2017-01-20T21:02:00Z", Some("2017-01-20T16:02:00")),
            ("2017-03-20T20:02:17Z", "2017-03-20T20:02:17Z", Some("2017-03-20T16:02:17")),
            ("2017-03-20T20:02:17+02:00", "2017-03-20T20:02:17+02:00", Some("2017-03-20T14:02:17")),
            // Clocks go forward and one hour is missing; clocks go back and one hour comes twice.
            ("2026-03-08T02:30", "2026-03-08T07:30:00Z", Some("2026-03-08T03:30:00")),
            ("2026-11-01T01:30", "2026-11-01T05:30:00Z", Some("2026-11-01T01:30:00")),
            ("2017-03-20", "2017-03-20", None),
            ("yesterday", "yesterday", None),
            ("", "", None),
        ] {
            assert_eq!(iso(text, &zone), expected, "{text}");
            assert_eq!(local(text, &zone).as_deref(), shown, "{text}");
        }
        Ok(())
    }

    #[test]
    fn filters_are_read_as_the_api_reads_them() {
        let read = |query: &str| Filters::of(&Fields::parse(query.as_bytes())).parse(&TimeZone::UTC);
        for (query, errors) in [
            ("", None),
            ("webhook=&state=&since=&until=&page_info=", None),
            ("webhook=7&state=dead&since=2026-11-21T15:00&until=2026-11-21T15:00:00%2B02:00", None),
            ("webhook=x", Some(json!({"webhook": ["must be a whole number"]}))),
            (
                "webhook=x&state=gone&since=1&page_info=1",
                Some(json!({
                    "state": ["is not included in the list"],
                    "since": ["must be an ISO 8601 date and time with an offset, or a date"],
                    "page_info": ["is invalid"],
                    "webhook": ["must be a whole number"],
                })),
            ),
        ] {
            assert_eq!(read(query).err().map(|errors| json!(errors)), errors, "{query}");
        }
    }

    #[test]
    fn a_link_keeps_the_filters_and_moves_the_page() {
        let filters =
            Filters::of(&Fields::parse(b"webhook=7&since=2026-11-21T15:00%2B02:00&state=&page_info=old"));
        let expected = "/panel/deliveries?webhook=7&since=2026-11-21T15%3A00%2B02%3A00&page_info=a%26b";
        assert_eq!(filters.path(Some("a&b")), expected);
        assert_eq!(Filters::default().path(None), "/panel/deliveries");
        assert!(filters.is_narrow() && !Filters::default().is_narrow());
    }
}
