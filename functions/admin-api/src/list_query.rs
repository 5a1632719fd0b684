//! The query of a list: what to show, and which page of it.

use jiff::Timestamp;
use storehook_domain::{FieldErrors, TopicPattern, WebhookFilter, catalogue};
use url::form_urlencoded;

/// A list's query. Parameters that it does not know are ignored, as the platform does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListQuery {
    pub(crate) filter: WebhookFilter,
    /// The properties to show; `None` is all.
    pub(crate) fields: Option<Vec<String>>,
    /// How many webhooks a page has, 1 to 250.
    pub(crate) limit: usize,
    /// Which page, from 1.
    pub(crate) page: usize,
}

impl ListQuery {
    /// Reads a URL's query, and tells all that is wrong with it at once.
    pub(crate) fn parse(query: &str) -> Result<Self, FieldErrors> {
        let mut read = Self { filter: WebhookFilter::default(), fields: None, limit: 50, page: 1 };
        let mut errors = FieldErrors::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let filter = &mut read.filter;
            match name.as_ref() {
                "address" => filter.address = Some(value.into_owned()),
                "topic" => filter.topic_key = errors.collect("topic", topic_key(&value)),
                "created_at_min" => filter.created_at_min = errors.collect("created_at_min", time(&value)),
                "created_at_max" => filter.created_at_max = errors.collect("created_at_max", time(&value)),
                "updated_at_min" => filter.updated_at_min = errors.collect("updated_at_min", time(&value)),
                "updated_at_max" => filter.updated_at_max = errors.collect("updated_at_max", time(&value)),
                "since_id" => filter.since_id = errors.collect("since_id", value.parse()),
                "fields" => {
                    read.fields = Some(value.split(',').map(|field| field.trim().to_owned()).collect())
                }
                "limit" => {
                    let limit = number(&value).filter(|limit| (1..=250).contains(limit));
                    read.limit =
                        errors.collect("limit", limit.ok_or("must be between 1 and 250")).unwrap_or_default();
                }
                "page" => {
                    let page = number(&value).filter(|page| *page >= 1);
                    read.page =
                        errors.collect("page", page.ok_or("must be 1 or greater")).unwrap_or_default();
                }
                _ => {}
            }
        }
        if errors.is_empty() { Ok(read) } else { Err(errors) }
    }

    /// How many webhooks the pages before this one hold.
    pub(crate) fn skip(&self) -> usize {
        (self.page - 1).saturating_mul(self.limit)
    }
}

fn topic_key(text: &str) -> Result<String, String> {
    let topic = TopicPattern::parse(text).map_err(|_| catalogue::not_allowed_message())?;
    Ok(topic.key().to_owned())
}

/// An ISO 8601 time. A `+` that the client did not escape has become a space on the way.
fn time(text: &str) -> Result<Timestamp, &'static str> {
    let text = text.trim().replace(' ', "+");
    text.parse().map_err(|_| "must be an ISO 8601 date and time with an offset")
}

fn number(text: &str) -> Option<usize> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_that_says_nothing_asks_for_the_first_fifty() {
        for query in ["", "unknown=1&&"] {
            let expected = ListQuery { filter: WebhookFilter::default(), fields: None, limit: 50, page: 1 };
            assert_eq!(ListQuery::parse(query), Ok(expected));
        }
    }

    #[test]
    fn every_parameter_is_read() -> Result<(), jiff::Error> {
        let query = "address=https%3A%2F%2Fa.example%2F&topic=order:new&created_at_min=2014-04-25T16:15:47-04:00\
                     &updated_at_max=2014-04-25T16:15:47+02:00&since_id=7&fields=id,%20topic&limit=250&page=3";
        let read = ListQuery::parse(query);
        let expected = ListQuery {
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
        assert_eq!(read, Ok(expected));
        Ok(())
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let time = ["must be an ISO 8601 date and time with an offset"];
        for (query, errors) in [
            ("limit=0", json!({"limit": ["must be between 1 and 250"]})),
            (
                "limit=251&page=0",
                json!({"limit": ["must be between 1 and 250"], "page": ["must be 1 or greater"]}),
            ),
            ("limit=-1", json!({"limit": ["must be between 1 and 250"]})),
            ("limit=1e1", json!({"limit": ["must be between 1 and 250"]})),
            ("since_id=x", json!({"since_id": ["a webhook's id is a whole number"]})),
            ("created_at_min=yesterday", json!({"created_at_min": time})),
            ("updated_at_max=2014-04-25T16:15:47", json!({"updated_at_max": time})),
            ("topic=orders/exploded", json!({"topic": [catalogue::not_allowed_message()]})),
        ] {
            let actual = ListQuery::parse(query).err().map(|errors| json!(errors));
            assert_eq!(actual, Some(errors), "{query}");
        }
    }
}
