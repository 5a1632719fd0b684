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
use storehook_domain::input::byte_order_mark::without_byte_order_mark;

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

/// The bytes of a body. A byte order mark before them is passed over.
pub(crate) fn bytes_of(body: RequestBody) -> Result<Bytes, ApiError> {
    let bytes = whole(body)?;
    Ok(bytes.slice_ref(without_byte_order_mark(&bytes)))
}

/// A body as it was sent, if all of it has arrived.
pub(crate) fn whole(body: RequestBody) -> Result<Bytes, ApiError> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
        _ => ApiError::IncompleteBody,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_begin_with_a_byte_order_mark() -> Result<(), ApiError> {
        let body = |text: &'static str| Ok(Bytes::from(text));
        let webhook = object_of(body("\u{feff}{\"webhook\": {\"topic\": \"orders/create\"}}"), "webhook")?;
        assert_eq!(webhook["topic"], "orders/create");
        for (text, expected) in [("\u{feff}", ""), ("{\"a\": \"\u{feff}\"}", "{\"a\": \"\u{feff}\"}")] {
            assert_eq!(bytes_of(body(text))?, expected);
        }
        let twice = object_of(body("\u{feff}\u{feff}{\"webhook\": {}}"), "webhook");
        assert!(matches!(twice, Err(ApiError::MissingObject(_))));
        Ok(())
    }
}
