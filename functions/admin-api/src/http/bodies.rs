//! Ids and bodies of requests, as they arrive: anything at all.

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

/// The id in a path. It may be malformed.
pub(crate) type PathId = Result<Path<String>, PathRejection>;

/// A body. It may be too large.
pub(crate) type RequestBody = Result<Bytes, BytesRejection>;

/// Reads the id in a path. A malformed id belongs to nothing, so it is not found.
pub(crate) fn id_of<T, E>(id: PathId, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, ApiError> {
    let Ok(Path(id)) = id else { return Err(ApiError::NotFound) };
    parse(&id).map_err(|_| ApiError::NotFound)
}

/// Reads a body with one object under this name: `{"webhook": {…}}`.
pub(crate) fn object_of(body: RequestBody, name: &'static str) -> Result<Map<String, Value>, ApiError> {
    match serde_json::from_slice(&bytes_of(body)?) {
        Ok(Value::Object(mut members)) => match members.remove(name) {
            Some(Value::Object(members)) => Ok(members),
            _ => Err(ApiError::MissingObject(name)),
        },
        _ => Err(ApiError::MissingObject(name)),
    }
}

/// The bytes of a body.
pub(crate) fn bytes_of(body: RequestBody) -> Result<Bytes, ApiError> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
        _ => ApiError::IncompleteBody,
    })
}
