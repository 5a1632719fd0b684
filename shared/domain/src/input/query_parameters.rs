//! The parameters of a URL's query, as they were given.

use std::borrow::Cow;

use jiff::Timestamp;
use url::form_urlencoded;

use crate::input::field_errors::FieldErrors;

/// How many entries a page of a list has at the most.
pub const PAGE_LIMIT: usize = 250;

/// How many entries a page of a list has where the query does not say.
pub const DEFAULT_PAGE_LIMIT: usize = 50;

/// What a query says, name by name. Names that nobody reads are ignored, as the platform does.
#[derive(Debug, Clone)]
pub struct QueryParameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> QueryParameters<'a> {
    /// Takes a query apart: what follows the `?` of a URL.
    pub fn parse(query: &'a str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    /// Reads a parameter, or `None` where it is absent. What is wrong with it goes to `errors`; to
    /// give it twice is wrong, because which of the two is meant would be a guess.
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

/// An ISO 8601 time. A `+` that the client did not escape has become a space on the way.
pub(crate) fn time(text: &str) -> Result<Timestamp, &'static str> {
    let parsed = text.parse().ok().or_else(|| {
        let (time, offset) = text.rsplit_once(' ')?;
        format!("{time}+{offset}").parse().ok()
    });
    parsed.ok_or("must be an ISO 8601 date and time with an offset")
}

/// The length of a page.
pub(crate) fn limit(text: &str) -> Result<usize, String> {
    let limit = number(text).filter(|limit| (1..=PAGE_LIMIT).contains(limit));
    limit.ok_or_else(|| format!("must be between 1 and {PAGE_LIMIT}"))
}

/// A number too large to count to is the largest: no list is so long.
pub(crate) fn number(text: &str) -> Option<usize> {
    is_number(text).then(|| text.parse().unwrap_or(usize::MAX))
}

/// ASCII digits and nothing else.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parameter_is_read_once_and_what_nobody_reads_is_ignored() {
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
