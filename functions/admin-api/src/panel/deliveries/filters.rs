//! The filters of the list of deliveries, as its query has them.
//!
//! A browser's field of a date and a time knows no time zone: what it sends is meant in the shop's.
//! Times with an offset and dates, as the API takes them, are understood as well, so links can have either.

use jiff::tz::TimeZone;
use storehook_domain::{history::query::DeliveryQuery, input::field_errors::FieldErrors, webhook::WebhookId};
use url::form_urlencoded::Serializer;

use crate::panel::{fields::Fields, look::clock::instant};

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
        let times = [("since", instant(&self.since, zone)), ("until", instant(&self.until, zone))];
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
