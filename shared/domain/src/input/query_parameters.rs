//! The parameters of a URL's query.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::input::field_errors::FieldErrors;

/// The largest number of entries on a page of a list.
pub const PAGE_LIMIT: usize = 250;

/// The number of entries on a page if the query does not say.
pub const DEFAULT_PAGE_LIMIT: usize = 50;

/// The parameters of a query. Like the platform, it ignores names that nobody reads.
///
/// ```
/// use storehook_domain::input::{field_errors::FieldErrors, query_parameters::QueryParameters};
///
/// let parameters = QueryParameters::parse("page=2&limit=x&page_info=&unknown=1");
/// let mut errors = FieldErrors::default();
/// assert_eq!(parameters.read("page", &mut errors, str::parse::<u32>), Some(2));
/// assert_eq!(parameters.read("since_id", &mut errors, str::parse::<u32>), None);
/// assert!(errors.is_empty(), "an absent parameter is no error");
///
/// assert_eq!(parameters.read("limit", &mut errors, str::parse::<u32>), None);
/// assert!(errors.names("limit"), "a malformed one is");
/// ```
#[derive(Debug, Clone)]
pub struct QueryParameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> QueryParameters<'a> {
    /// Splits a query, the part of a URL after the `?`.
    pub fn parse(query: &'a str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    /// Whether a parameter is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| given == name)
    }

    /// Reads a parameter. If it is malformed, the message goes to `errors`, and the result is
    /// `None` as for an absent one. A parameter that is given twice is an error: which of the two
    /// is meant would be a guess.
    pub fn read<T, E: ToString>(
        &self,
        name: &'static str,
        errors: &mut FieldErrors,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let mut given = self.0.iter().filter(|(given, _)| given == name);
        let (_, value) = given.next()?;
        if given.next().is_some() {
            errors.add(name, "may be given only once");
            return None;
        }
        errors.collect(name, read(value))
    }
}

/// Reads the length of a page.
///
/// # Errors
///
/// The text is not a number from 1 to [`PAGE_LIMIT`].
pub(crate) fn limit(text: &str) -> Result<usize, String> {
    let limit = number(text).filter(|limit| (1..=PAGE_LIMIT).contains(limit));
    limit.ok_or_else(|| format!("must be between 1 and {PAGE_LIMIT}"))
}

/// Reads a number. One that is too large for `usize` becomes the largest: no list is so long.
pub(crate) fn number(text: &str) -> Option<usize> {
    is_number(text).then(|| text.parse().unwrap_or(usize::MAX))
}

/// Whether the text is ASCII digits and nothing else.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parameter_may_be_given_once_and_unread_ones_are_ignored() {
        let parameters = QueryParameters::parse("a=1&b=%20x&b=y&c=z&c=z&d=");
        let mut errors = FieldErrors::default();
        let text = |text: &str| Ok::<_, String>(text.to_owned());
        assert_eq!(parameters.read("a", &mut errors, text).as_deref(), Some("1"));
        assert_eq!(parameters.read("b", &mut errors, text), None);
        assert_eq!(parameters.read("d", &mut errors, text).as_deref(), Some(""));
        assert_eq!(parameters.read("e", &mut errors, text), None);
        assert_eq!(parameters.read("a", &mut errors, |_| Err::<(), _>("is invalid")), None);
        assert_eq!(json!(errors), json!({"b": ["may be given only once"], "a": ["is invalid"]}));
    }
}
