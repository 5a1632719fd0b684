//! The query of a list of webhooks: a filter, the properties to show, and the page.

use std::convert::Infallible;

use crate::{
    event::{catalogue, topic::TopicPattern},
    input::{
        field_errors::FieldErrors,
        query_parameters::{DEFAULT_PAGE_LIMIT, QueryParameters, is_number, limit, number, time},
    },
    webhook::{
        InvalidWebhookId, WebhookId,
        address::{Address, AddressError},
        filter::WebhookFilter,
    },
};

/// The query of a list.
///
/// ```
/// use storehook_domain::webhook::query::WebhookQuery;
///
/// let query = WebhookQuery::parse("topic=order:new&limit=10&page=3").expect("it is valid");
/// assert_eq!(query.filter.topic_key.as_deref(), Some("orders/create"));
/// assert_eq!(query.skip(), 20);
///
/// let errors = WebhookQuery::parse("limit=0").unwrap_err();
/// assert!(errors.names("limit"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookQuery {
    /// The webhooks to show.
    pub filter: WebhookFilter,
    /// The properties to show; `None` means all.
    pub fields: Option<Vec<String>>,
    /// How many webhooks a page has, 1 to [`crate::input::query_parameters::PAGE_LIMIT`].
    pub limit: usize,
    /// The number of the page, from 1.
    pub page: usize,
}

impl WebhookQuery {
    /// Reads the query of a list.
    ///
    /// # Errors
    ///
    /// A parameter is malformed or out of its range. All errors are found at once.
    pub fn parse(query: &str) -> Result<Self, FieldErrors> {
        let parameters = QueryParameters::parse(query);
        let mut errors = FieldErrors::default();
        let filter = WebhookFilter {
            address: parameters.read("address", &mut errors, address),
            topic_key: parameters.read("topic", &mut errors, topic_key),
            created_at_min: parameters.read("created_at_min", &mut errors, time),
            created_at_max: parameters.read("created_at_max", &mut errors, time),
            updated_at_min: parameters.read("updated_at_min", &mut errors, time),
            updated_at_max: parameters.read("updated_at_max", &mut errors, time),
            since_id: parameters.read("since_id", &mut errors, since_id),
            ..WebhookFilter::default()
        };
        let fields = parameters.read("fields", &mut errors, fields).flatten();
        let limit = parameters.read("limit", &mut errors, limit);
        let page = parameters.read("page", &mut errors, page);
        let read =
            Self { filter, fields, limit: limit.unwrap_or(DEFAULT_PAGE_LIMIT), page: page.unwrap_or(1) };
        errors.or(read)
    }

    /// Reads the query of a count, which has the parameters `address` and `topic`.
    ///
    /// # Errors
    ///
    /// One of the two is malformed.
    pub fn parse_count(query: &str) -> Result<WebhookFilter, FieldErrors> {
        let parameters = QueryParameters::parse(query);
        let mut errors = FieldErrors::default();
        let filter = WebhookFilter {
            address: parameters.read("address", &mut errors, address),
            topic_key: parameters.read("topic", &mut errors, topic_key),
            ..WebhookFilter::default()
        };
        errors.or(filter)
    }

    /// Reads the query of a single webhook, which has the parameter `fields`.
    ///
    /// # Errors
    ///
    /// `fields` is given twice.
    pub fn parse_fields(query: &str) -> Result<Option<Vec<String>>, FieldErrors> {
        let mut errors = FieldErrors::default();
        let shown = QueryParameters::parse(query).read("fields", &mut errors, fields).flatten();
        errors.or(shown)
    }

    /// How many webhooks the pages before this one hold.
    pub fn skip(&self) -> usize {
        (self.page - 1).saturating_mul(self.limit)
    }
}

/// Reads an address. A text that can be no webhook's address is an error: it is a mistake, and an
/// empty list would hide it.
fn address(text: &str) -> Result<String, AddressError> {
    Address::parse(text).map(|address| address.as_str().to_owned())
}

fn topic_key(text: &str) -> Result<String, String> {
    let topic = TopicPattern::parse(text).map_err(|_| catalogue::not_allowed_message())?;
    Ok(topic.key().to_owned())
}

/// Reads names separated by commas. A blank list counts as left out.
fn fields(text: &str) -> Result<Option<Vec<String>>, Infallible> {
    let is_blank = text.trim().is_empty();
    Ok((!is_blank).then(|| text.split(',').map(|field| field.trim().to_owned()).collect()))
}

/// Reads an id. A number that is larger than any id becomes the largest id: nothing comes after
/// either.
fn since_id(text: &str) -> Result<WebhookId, InvalidWebhookId> {
    if is_number(text) { Ok(text.parse().unwrap_or(WebhookId::new(u64::MAX))) } else { Err(InvalidWebhookId) }
}

fn page(text: &str) -> Result<usize, &'static str> {
    number(text).filter(|page| *page >= 1).ok_or("must be 1 or greater")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_query_asks_for_the_first_fifty() {
        for query in ["", "unknown=1&&unknown=2", "fields=", "fields=+"] {
            let expected =
                WebhookQuery { filter: WebhookFilter::default(), fields: None, limit: 50, page: 1 };
            assert_eq!(WebhookQuery::parse(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn every_parameter_is_read() -> Result<(), jiff::Error> {
        let query = "address=https%3A%2F%2Fa.example%2F&topic=order:new&created_at_min=2014-04-25T16:15:47-04:00\
                     &updated_at_max=2014-04-25T16:15:47+02:00&since_id=7&fields=id,%20topic&limit=250&page=3";
        let expected = WebhookQuery {
            filter: WebhookFilter {
                address: Some("https://a.example/".to_owned()),
                topic_key: Some("orders/create".to_owned()),
                created_at_min: Some("2014-04-25T20:15:47Z".parse()?),
                updated_at_max: Some("2014-04-25T14:15:47Z".parse()?),
                since_id: "7".parse().ok(),
                ..WebhookFilter::default()
            },
            fields: Some(vec!["id".to_owned(), "topic".to_owned()]),
            limit: 250,
            page: 3,
        };
        assert_eq!(WebhookQuery::parse(query).as_ref(), Ok(&expected));
        assert_eq!(expected.skip(), 500);
        Ok(())
    }

    #[test]
    fn times_have_any_iso_8601_offset() {
        for text in [
            "2014-04-25T16:15:47-04:00",
            "2014-04-25T20:15:47Z",
            "2014-04-25T22:15:47%2B02:00",
            "2014-04-25T22:15:47+02:00",
            "2014-04-25T16:15:47-0400",
            "2014-04-25%2016:15:47-04:00",
            "2014-04-26T01:45:47.000+05:30",
            "20140425T161547-04",
        ] {
            let read = WebhookQuery::parse(&format!("created_at_min={text}"));
            let read = read.ok().and_then(|query| query.filter.created_at_min).map(|time| time.to_string());
            assert_eq!(read.as_deref(), Some("2014-04-25T20:15:47Z"), "{text}");
        }
    }

    #[test]
    fn all_errors_are_found_at_once() {
        let time = ["must be an ISO 8601 date and time with an offset"];
        let (limit, page) = (["must be between 1 and 250"], ["must be 1 or greater"]);
        for (query, errors) in [
            ("limit=0", json!({"limit": limit})),
            ("limit=251&page=0", json!({"limit": limit, "page": page})),
            ("limit=-1", json!({"limit": limit})),
            ("limit=1e1", json!({"limit": limit})),
            ("limit=%D9%A3", json!({"limit": limit})),
            ("limit=10%00", json!({"limit": limit})),
            ("limit=", json!({"limit": limit})),
            ("limit=99999999999999999999999", json!({"limit": limit})),
            ("page=", json!({"page": page})),
            ("since_id=x", json!({"since_id": ["must be a whole number"]})),
            ("since_id=-1", json!({"since_id": ["must be a whole number"]})),
            ("created_at_min=yesterday", json!({"created_at_min": time})),
            ("created_at_max=2014-04-25", json!({"created_at_max": time})),
            ("updated_at_min=2014-02-30T00:00:00Z", json!({"updated_at_min": time})),
            ("updated_at_max=2014-04-25T16:15:47", json!({"updated_at_max": time})),
            ("topic=orders/exploded", json!({"topic": [catalogue::not_allowed_message()]})),
            ("address=apple.com", json!({"address": ["is invalid"]})),
            ("address=http://a%00b/", json!({"address": ["is invalid"]})),
            ("limit=1&limit=1", json!({"limit": ["may be given only once"]})),
            ("fields=id&fields=topic&page=0", json!({"fields": ["may be given only once"], "page": page})),
        ] {
            let actual = WebhookQuery::parse(query).err().map(|errors| json!(errors));
            assert_eq!(actual, Some(errors), "{query}");
        }
    }

    #[test]
    fn a_page_or_an_id_beyond_the_end_is_accepted() {
        let query = WebhookQuery::parse("since_id=99999999999999999999");
        assert_eq!(query.map(|query| query.filter.since_id), Ok(Some(WebhookId::new(u64::MAX))));
        let query = WebhookQuery::parse("page=99999999999999999999999&limit=250");
        assert_eq!(query.map(|query| query.skip()), Ok(usize::MAX));
    }

    #[test]
    fn a_count_has_address_and_topic_and_a_single_webhook_has_fields() {
        let filter = WebhookFilter { topic_key: Some("orders/paid".to_owned()), ..WebhookFilter::default() };
        assert_eq!(WebhookQuery::parse_count("topic=orders/paid&limit=0&since_id=x"), Ok(filter));
        let errors = WebhookQuery::parse_count("topic=x&address=y").err().map(|errors| json!(errors));
        let expected = json!({"address": ["is invalid"], "topic": [catalogue::not_allowed_message()]});
        assert_eq!(errors, Some(expected));
        assert_eq!(WebhookQuery::parse_fields("fields=id&limit=0"), Ok(Some(vec!["id".to_owned()])));
    }
}
