//! Errors: the one place that turns a failure into a response.
//!
//! A 4xx tells the caller what to change. The cause of a 5xx goes to the log, with its whole chain,
//! in the request's one line; the response carries only the status and the request's id.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use storehook_aws::{
    NoRandomness,
    history::{CountError, WriteError},
    queue::{QueueError, SendError},
    stream::StreamError,
    table::{Contended, TableError},
};
use storehook_domain::{
    event::pushed::InvalidPush,
    input::field_errors::FieldErrors,
    installation::{Scope, secret::InvalidSecret},
};

use crate::events::responses::PushResult;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("the token is missing or unknown")]
    Unauthorized,
    #[error("the token lacks the scope {}", .0.as_str())]
    MissingScope(Scope),
    #[error("not found")]
    NotFound,
    #[error("method not allowed")]
    MethodNotAllowed,
    #[error("the client does not accept JSON")]
    NotAcceptable,
    #[error("`Content-Type` is not JSON")]
    UnsupportedMediaType,
    #[error("too many calls")]
    TooManyCalls {
        /// In how many seconds the installation may call again.
        seconds: i64,
    },
    #[error("too many pushed events")]
    TooManyEvents {
        /// In how many seconds the installation may push these events.
        seconds: i64,
    },
    #[error("the body is not JSON or lacks `{0}`")]
    MissingObject(&'static str),
    #[error("the body ended early")]
    IncompleteBody,
    #[error("the push is invalid")]
    Push(#[source] InvalidPush),
    #[error("the stream did not take all events")]
    PushIncomplete(Vec<PushResult>),
    #[error("the body is too large")]
    TooLarge,
    #[error("a query parameter is invalid")]
    Query(FieldErrors),
    #[error("a field of the body is invalid")]
    Invalid(FieldErrors),
    #[error("other requests kept writing the same item")]
    Contended(#[from] Contended),
    #[error("the request took too long")]
    TimedOut,
    #[error("a handler panicked")]
    Panicked,
    #[error("the history is off")]
    HistoryOff,
    #[error("a stored payload is malformed")]
    PayloadMalformed,
    #[error("a table failed")]
    Table(#[from] TableError),
    #[error("a payload could not be stored")]
    Payload(#[from] WriteError),
    #[error("the delivery queue failed")]
    Queue(#[from] SendError),
    #[error("the jobs queue failed")]
    Jobs(#[from] QueueError),
    #[error("the stream failed")]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error("a new secret is malformed")]
    Secret(#[from] InvalidSecret),
}

impl From<CountError> for ApiError {
    fn from(error: CountError) -> Self {
        match error {
            CountError::Table(error) => error.into(),
            CountError::TimedOut => Self::TimedOut,
        }
    }
}

impl ApiError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::MissingScope(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyCalls { .. } | Self::TooManyEvents { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::MissingObject(_)
            | Self::IncompleteBody
            | Self::Query(_)
            | Self::Push(InvalidPush::NotAnObject) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) | Self::HistoryOff | Self::Push(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Contended(_)
            | Self::TimedOut
            | Self::PushIncomplete(_)
            | Self::Table(TableError::Call(_) | TableError::Unread)
            | Self::Payload(
                WriteError::Table(TableError::Call(_) | TableError::Unread) | WriteError::Unwritten(_),
            )
            | Self::Queue(_)
            | Self::Jobs(_)
            | Self::Stream(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked
            | Self::Table(TableError::Item(_))
            | Self::Payload(WriteError::Compression(_) | WriteError::Table(TableError::Item(_)))
            | Self::Randomness(_)
            | Self::Secret(_)
            | Self::PayloadMalformed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The text for the caller. Errors with nothing to add give the name of their status.
    pub(crate) fn errors(&self) -> Value {
        match self {
            Self::Unauthorized => {
                json!("[API] Invalid API key or access token (unrecognized login or wrong password)")
            }
            Self::MissingScope(scope) => {
                json!(format!("[API] The access token lacks the scope {}", scope.as_str()))
            }
            Self::TooManyCalls { .. } => {
                json!(
                    "[API] Too many calls of this app on this shop. Call again after the time in Retry-After"
                )
            }
            Self::TooManyEvents { .. } => {
                json!(
                    "[API] Too many pushed events of this app on this shop. Push again after the time in Retry-After"
                )
            }
            Self::NotAcceptable => json!("Not Acceptable: responses are application/json"),
            Self::UnsupportedMediaType => json!("Unsupported Media Type: bodies are application/json"),
            Self::MissingObject(name) => json!({*name: "Required parameter missing or invalid"}),
            Self::HistoryOff => json!({"history": ["is switched off"]}),
            Self::Push(invalid) => invalid.errors(),
            Self::Query(errors) | Self::Invalid(errors) => json!(errors),
            Self::NotFound
            | Self::IncompleteBody
            | Self::PushIncomplete(_)
            | Self::MethodNotAllowed
            | Self::TooLarge
            | Self::Contended(_)
            | Self::TimedOut
            | Self::Panicked
            | Self::Table(_)
            | Self::Payload(_)
            | Self::Queue(_)
            | Self::Jobs(_)
            | Self::Stream(_)
            | Self::Randomness(_)
            | Self::Secret(_)
            | Self::PayloadMalformed => {
                json!(self.status().canonical_reason())
            }
        }
    }

    /// The header that HTTP asks for with the status.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unauthorized => {
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"storehook\"")))
            }
            Self::UnsupportedMediaType => {
                Some((header::ACCEPT, HeaderValue::from_static("application/json")))
            }
            Self::TooManyCalls { seconds } | Self::TooManyEvents { seconds } => {
                Some((header::RETRY_AFTER, (*seconds).into()))
            }
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => {
                Some((header::RETRY_AFTER, HeaderValue::from_static("1")))
            }
            _ => None,
        }
    }
}

/// The cause of a 5xx, for the log: an extension of the response.
#[derive(Clone)]
pub(crate) struct Cause(pub(crate) String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, header) = (self.status(), self.header());
        let mut body = json!({"errors": self.errors()});
        if let Self::PushIncomplete(events) = &self {
            body["events"] = json!(events);
        }
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().extend(header);
        if status.is_server_error() {
            response.extensions_mut().insert(Cause(storehook_aws::causes(&self)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Callers repeat a call by its status and its headers, so each error has those that fit.
    #[test]
    fn each_error_has_the_header_that_its_status_asks_for() {
        for (error, status, header) in [
            (ApiError::Unauthorized, 401, Some(("www-authenticate", "Bearer realm=\"storehook\""))),
            (ApiError::MissingScope(Scope::Webhooks), 403, None),
            (ApiError::NotFound, 404, None),
            (ApiError::UnsupportedMediaType, 415, Some(("accept", "application/json"))),
            (ApiError::TooManyCalls { seconds: 7 }, 429, Some(("retry-after", "7"))),
            (ApiError::TooManyEvents { seconds: 8 }, 429, Some(("retry-after", "8"))),
            (ApiError::TimedOut, 503, Some(("retry-after", "1"))),
            (ApiError::Contended(Contended), 503, Some(("retry-after", "1"))),
            (ApiError::Panicked, 500, None),
        ] {
            let response = error.into_response();
            assert_eq!(response.status().as_u16(), status);
            let names = ["www-authenticate", "accept", "retry-after"];
            let found =
                names.iter().find_map(|name| Some((*name, response.headers().get(*name)?.to_str().ok()?)));
            assert_eq!(found, header, "{status}");
            assert_eq!(response.extensions().get::<Cause>().is_some(), status >= 500, "{status} has a cause");
        }
    }
}
