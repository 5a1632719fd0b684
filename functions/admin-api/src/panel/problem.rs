//! Errors as pages: the API's statuses and words, and what to do next.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use maud::html;
use serde_json::Value;

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

impl Problem {
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

/// The texts of the API's `errors`, each with its field.
fn texts(errors: &Value) -> Vec<String> {
    match errors {
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => texts.iter().flat_map(self::texts).collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(field, errors)| {
                self::texts(errors).into_iter().map(move |text| format!("{field} {text}"))
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, title, next) = self.words();
        let body = html! {
            h1 { (title) }
            p { (next) }
            p { a href="/panel" { "To the overview" } }
        };
        let page = Page::outside(title, body).with(status).into_response();
        match self {
            // The API's own response carries the headers that belong to the status, and the cause.
            Self::Api(error) => {
                let mut response = error.into_response();
                response.extensions_mut().extend(page.extensions().clone());
                response
            }
            Self::ForeignPage => page,
        }
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
    }
}
