//! The parameters of a URL's query, as they were given.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::FieldErrors;

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
