//! What people sent: the fields of a form or of a query, in their order. Names may repeat.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
};
use url::form_urlencoded;
use uuid::Uuid;

use crate::{http::bodies::whole, panel::problem::Problem};

/// The fields of a query.
pub(crate) struct Query(pub(crate) Fields);

/// The fields of a form.
pub(crate) struct Form(pub(crate) Fields);

/// Names and values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a query or a form's body. Line breaks become `\n`: browsers send `\r\n`.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect())
    }

    /// The first value of a name; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// All values of a name.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The random text of the form, see [`once`](crate::panel::look::form::once); another one if it
    /// has none.
    pub(crate) fn once(&self) -> Uuid {
        self.get("once").parse().unwrap_or_else(|_| Uuid::new_v4())
    }

    /// Whether the name is there, with whatever value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Fields::parse(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = whole(Bytes::from_request(request, state).await)?;
        Ok(Self(Fields::parse(&body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_repeat_and_lines_end_in_one_character() {
        let fields = Fields::parse(b"a=1&b=x+y%0D%0Az&a=2&c=");
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("d")), ("1", "x y\nz", ""));
        assert!(fields.has("c") && !fields.has("d"));
    }

    #[test]
    fn a_form_that_is_sent_twice_is_known_by_its_random_text() {
        let form = crate::panel::look::form::once().into_string();
        let text = form.split('"').rev().nth(1).unwrap_or_default();
        let sent = || Fields::parse(format!("once={text}").as_bytes()).once();
        assert_eq!((sent(), sent().to_string().as_str()), (sent(), text));
        let other = Fields::parse(b"once=x");
        assert_ne!(other.once(), other.once());
    }
}
