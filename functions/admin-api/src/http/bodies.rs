//! Requests, as they come: paths and bodies that may be anything.

use axum::{
    body::Bytes,
    extract::{
        Path,
        rejection::{BytesRejection, PathRejection},
    },
    http::StatusCode,
};
use serde_json::{Map, Value};

use crate::error::ApiError;

/// The id in a path, which may be anything.
pub(crate) type PathId = Result<Path<String>, PathRejection>;

/// A body, which may be too large.
pub(crate) type RequestBody = Result<Bytes, BytesRejection>;

/// The object of this name in a body: `{"webhook": {…}}`.
pub(crate) fn object_of(body: RequestBody, name: &'static str) -> Result<Map<String, Value>, ApiError> {
    let missing = ApiError::MissingObject(name);
    match members_of(body, name)?.remove(name) {
        Some(Value::Object(members)) => Ok(members),
        _ => Err(missing),
    }
}

/// The members of a body, which is an object or, where nothing needs to be said, empty. `name` is what it is
/// about.
pub(crate) fn members_of(body: RequestBody, name: &'static str) -> Result<Map<String, Value>, ApiError> {
    match serde_json::from_slice(&bytes_of(body)?) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(ApiError::MissingObject(name)),
    }
}

/// The bytes of a body.
pub(crate) fn bytes_of(body: RequestBody) -> Result<Bytes, ApiError> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
        _ => ApiError::UnreadableBody,
    })
}
