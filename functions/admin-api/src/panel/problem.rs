//! Errors as pages: the API's statuses and words, and what to do next.
//!
//! What was typed must not be lost with an error. A form comes back with the problem
//! [above](Problem::above) it. Where a form was sent by htmx, the page that has it is still there, and
//! the shell hands it the [`Banner`] alone.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde_json::Value;
use storehook_domain::input::field_errors::BASE;

use crate::{error::ApiError, panel::look::page::Page};

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// What the API would say.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A change came from a page of another site.
    #[error("the change came from another site's page")]
    ForeignPage,
}

/// A problem in a few lines, for a page that is there: an extension of the response.
#[derive(Clone)]
pub(crate) struct Banner(pub(crate) Markup);

impl Problem {
    /// The problem above a form, which has what was typed.
    pub(crate) fn above(self, form: impl FnOnce(Markup) -> Page) -> Response {
        let page = form(self.banner());
        self.on(page)
    }

    fn banner(&self) -> Markup {
        let (_, title, next) = self.words();
        html! { div.problem role="alert" tabindex="-1" autofocus { h2 { (title) } p { (next) } } }
    }

    /// The response with this page.
    fn on(self, page: Page) -> Response {
        let (status, ..) = self.words();
        let banner = Banner(self.banner());
        let page = page.with(status).into_response();
        let mut response = match self {
            // The API's own response carries the headers that belong to the status, and the cause.
            Self::Api(error) => {
                let mut response = error.into_response();
                response.extensions_mut().extend(page.extensions().clone());
                response
            }
            Self::ForeignPage => page,
        };
        response.extensions_mut().insert(banner);
        response
    }

    /// What happened, and what to do.
    fn words(&self) -> (StatusCode, &'static str, String) {
        let error = match self {
            Self::ForeignPage => {
                let next = "Nothing was changed. Open the panel and try again there.";
                return (StatusCode::FORBIDDEN, "This request came from another site", next.to_owned());
            }
            Self::Api(error) => error,
        };
        let status = error.status();
        let (title, next) = match error {
            ApiError::NotFound => {
                ("There is nothing here", "It may have been deleted, or its history has expired.".to_owned())
            }
            ApiError::TooManyCalls { seconds } => ("Too many requests", format!("Try again in {seconds} s.")),
            ApiError::TooManyEvents { seconds } => {
                ("Your app has pushed too many events", format!("Try again in {seconds} s."))
            }
            ApiError::TooLarge => {
                ("This form is too large", "Go back, and send less: a large body is for the API.".to_owned())
            }
            ApiError::HistoryOff => (
                "The history is switched off",
                "The operator of this platform keeps no deliveries.".to_owned(),
            ),
            ApiError::MissingScope(scope) => {
                ("Your token does not allow this", format!("It lacks the scope {}.", scope.as_str()))
            }
            _ if status.is_server_error() => {
                ("Something went wrong on our side", "Try again in a moment.".to_owned())
            }
            _ => ("This did not work", texts(&error.errors()).join("; ")),
        };
        (status, title, next)
    }
}

/// The texts of the API's `errors`, each with its field if it has one.
fn texts(errors: &Value) -> Vec<String> {
    match errors {
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => texts.iter().flat_map(self::texts).collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(field, errors)| {
                let named = move |text| if field == BASE { text } else { format!("{field} {text}") };
                self::texts(errors).into_iter().map(named)
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (_, title, next) = self.words();
        let body = html! {
            h1 { (title) }
            p { (next) }
            p { a href="/panel" { "To the overview" } }
        };
        self.on(Page::outside(title, body))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use storehook_domain::input::field_errors::FieldErrors;

    use super::*;

    #[test]
    fn a_problem_is_told_in_the_apis_words() {
        let invalid = ApiError::Invalid(FieldErrors::one("webhook", "is paused"));
        let (status, _, next) = Problem::from(invalid).words();
        assert_eq!((status.as_u16(), next.as_str()), (422, "webhook is paused"));
        assert_eq!(texts(&json!({"a": ["b", "c"], "d": "e"})), ["a b", "a c", "d e"]);
        assert_eq!(texts(&json!({"base": ["There is no room"]})), ["There is no room"]);
    }

    #[test]
    fn a_problem_above_a_form_keeps_its_status_its_headers_and_the_form() {
        let form = |banner| Page::outside("Form", html! { (banner) "typed" });
        let response = Problem::from(ApiError::TooManyCalls { seconds: 7 }).above(form);
        assert_eq!(response.status().as_u16(), 429);
        assert_eq!(response.headers()["retry-after"], "7");
        let page = response.extensions().get::<Page>().map(|page| page.body.clone().into_string());
        let page = page.unwrap_or_default();
        assert!(page.contains("Try again in 7 s.") && page.ends_with("typed"), "{page}");
        assert!(response.extensions().get::<Banner>().is_some());
    }
}
