//! The query of a list of webhooks: a filter, the properties to show, and the page.
//!
//! A page is named by its number, or by `page_info` from the `Link` header of another one ([`mod@page`]).

pub mod neighbours;
pub mod page;

use std::convert::Infallible;

use jiff::tz::TimeZone;

use crate::{
    event::{catalogue, topic::TopicPattern},
    input::{
        field_errors::FieldErrors,
        query_parameters::{DEFAULT_PAGE_LIMIT, QueryParameters, is_number, limit, number},
        time::time,
    },
    webhook::{
        InvalidWebhookId, WebhookId,
        address::{Address, AddressError},
        filter::WebhookFilter,
        query::page::{PageInfo, Position},
    },
};

/// The query of a list.
///
/// ```
/// use jiff::tz::TimeZone;
/// use storehook_domain::webhook::query::WebhookQuery;
///
/// let query = WebhookQuery::parse("topic=order:new&limit=10&page=3", &TimeZone::UTC).expect("it is valid");
/// assert_eq!(query.filter.topic_key.as_deref(), Some("orders/create"));
/// assert_eq!(query.skip(), 20);
///
/// let errors = WebhookQuery::parse("limit=0", &TimeZone::UTC).unwrap_err();
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
    /// Where the page is, if `page_info` names it.
    pub position: Option<Position>,
}

impl WebhookQuery {
    /// The query of the first webhooks that a filter lets through, so many.
    pub fn first(filter: WebhookFilter, limit: usize) -> Self {
        Self { filter, fields: None, limit, page: 1, position: None }
    }

    /// Reads the query of a list. Dates are meant in the shop's time zone.
    ///
    /// # Errors
    ///
    /// A parameter is malformed or out of its range. All errors are found at once.
    pub fn parse(query: &str, zone: &TimeZone) -> Result<Self, FieldErrors> {
        let parameters = QueryParameters::parse(query);
        let mut errors = FieldErrors::default();
        let page_info = parameters.read("page_info", &mut errors, PageInfo::parse).flatten();
        let fields = parameters.read("fields", &mut errors, fields).flatten();
        let limit = parameters.read("limit", &mut errors, limit).unwrap_or(DEFAULT_PAGE_LIMIT);
        let read = match page_info {
            Some(PageInfo { position, filter }) => {
                for name in NOT_WITH_PAGE_INFO.into_iter().filter(|name| parameters.has(name)) {
                    errors.add(name, "cannot be given with page_info");
                }
                Self { filter, fields, limit, page: 1, position: Some(position) }
            }
            None => {
                let filter = filter(&parameters, zone, &mut errors);
                let page = parameters.read("page", &mut errors, page).unwrap_or(1);
                Self { filter, fields, limit, page, position: None }
            }
        };
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

/// The parameters that `page_info` stands for.
const NOT_WITH_PAGE_INFO: [&str; 8] = [
    "address",
    "topic",
    "created_at_min",
    "created_at_max",
    "updated_at_min",
    "updated_at_max",
    "since_id",
    "page",
];

fn filter(parameters: &QueryParameters<'_>, zone: &TimeZone, errors: &mut FieldErrors) -> WebhookFilter {
    WebhookFilter {
        address: parameters.read("address", errors, address),
        topic_key: parameters.read("topic", errors, topic_key),
        created_at_min: parameters.read("created_at_min", errors, time(zone)),
        created_at_max: parameters.read("created_at_max", errors, time(zone)),
        updated_at_min: parameters.read("updated_at_min", errors, time(zone)),
        updated_at_max: parameters.read("updated_at_max", errors, time(zone)),
        since_id: parameters.read("since_id", errors, since_id),
        ..WebhookFilter::default()
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
mod tests;
