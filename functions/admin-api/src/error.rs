//! Errors: the one place that turns a failure into an answer.
//!
//! The caller is told what the caller can mend. What went wrong inside goes to the log,
//! with its whole chain of causes, and the answer carries only the request's id.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use storehook_aws::registry::RegistryError;
use storehook_domain::FieldErrors;

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("no or no valid token")]
    Unauthorized,
    #[error("the token lacks a scope")]
    MissingScope,
    #[error("not found")]
    NotFound,
    #[error("method not allowed")]
    MethodNotAllowed,
    #[error("the body is not JSON or lacks its object")]
    NoWebhook,
    #[error("the body is too large")]
    TooLarge,
    #[error("a query parameter is invalid")]
    Query(FieldErrors),
    #[error("the webhook is invalid")]
    Invalid(FieldErrors),
    #[error("too many writes to one webhook at once")]
    Contended,
    #[error("the registry failed")]
    Registry(#[from] RegistryError),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::MissingScope => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoWebhook | Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Contended => StatusCode::SERVICE_UNAVAILABLE,
            Self::Registry(RegistryError::Call(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Registry(RegistryError::Item(_)) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(error = storehook_aws::causes(&self), status = status.as_u16(), "request failed");
        }
        let errors = match self {
            Self::Unauthorized => {
                json!("[API] Invalid API key or access token (unrecognized login or wrong password)")
            }
            Self::MissingScope => {
                json!("[API] This action requires merchant approval for the webhooks scope.")
            }
            Self::NotFound => json!("Not Found"),
            Self::MethodNotAllowed => json!("Method Not Allowed"),
            Self::TooLarge => json!("Payload Too Large"),
            Self::NoWebhook => json!({"webhook": "Required parameter missing or invalid"}),
            Self::Query(errors) | Self::Invalid(errors) => json!(errors),
            Self::Contended | Self::Registry(RegistryError::Call(_)) => json!("Service Unavailable"),
            Self::Registry(RegistryError::Item(_)) => json!("Internal Server Error"),
        };
        let mut response = (status, Json(json!({"errors": errors}))).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
