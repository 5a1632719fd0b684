//! Content negotiation: JSON, both ways.
//!
//! `Accept`, if present, must allow JSON (406). `Content-Type`, if present, must be JSON, and the
//! body must not be compressed (415). Without these headers the bytes decide.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};
use mediatype::{MediaType, MediaTypeList, ReadParams as _, names};

use crate::error::ApiError;

/// Hands a request to its handler if its headers allow JSON.
pub(crate) async fn speak_json(request: Request, next: Next) -> Result<Response, ApiError> {
    if !accepts_json(request.headers()) {
        return Err(ApiError::NotAcceptable);
    }
    let has_body = matches!(*request.method(), Method::POST | Method::PUT);
    if has_body && !sends_json(request.headers()) {
        return Err(ApiError::UnsupportedMediaType);
    }
    Ok(next.run(request).await)
}

/// Whether `Accept` allows JSON (RFC 9110 §12.5.1): the most specific range that includes JSON
/// decides. Parameters other than the weight are ignored, and so is a header with no readable
/// range.
fn accepts_json(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<_> = lines.flat_map(MediaTypeList::new).filter_map(Result::ok).collect();
    let narrowest =
        ranges.iter().filter_map(|range| Some((breadth(range)?, range))).min_by_key(|(breadth, _)| *breadth);
    match narrowest {
        Some((_, range)) => weight(range) != Some(0.0),
        None => ranges.is_empty(),
    }
}

/// How broad a range is, if it includes JSON: 0 is JSON alone, 2 is everything.
fn breadth(range: &MediaType<'_>) -> Option<u8> {
    let (json, any) = ((names::APPLICATION, names::JSON), names::_STAR);
    match (range.ty, range.subty) {
        (ty, subty) if (ty, subty) == json => Some(0),
        (ty, subty) if (ty, subty) == (json.0, any) => Some(1),
        (ty, subty) if (ty, subty) == (any, any) => Some(2),
        _ => None,
    }
}

fn weight(range: &MediaType<'_>) -> Option<f32> {
    range.get_param(names::Q)?.as_str().parse().ok()
}

/// Whether `Content-Type` is JSON or absent, and `Content-Encoding` is `identity` or absent.
fn sends_json(headers: &HeaderMap) -> bool {
    let is_plain = headers.get(header::CONTENT_ENCODING).is_none_or(|value| value.as_bytes() == b"identity");
    let is_json = headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        value.to_str().ok().and_then(|text| MediaType::parse(text).ok()).is_some_and(|media_type| {
            media_type.ty == names::APPLICATION
                && (media_type.subty == names::JSON || media_type.suffix == Some(names::JSON))
        })
    });
    is_plain && is_json
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        lines
            .iter()
            .cloned()
            .filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?)))
            .collect()
    }

    #[test]
    fn the_most_specific_range_of_accept_decides() {
        for (accept, is_acceptable) in [
            (&[][..], true),
            (&[""], true),
            (&["*/*"], true),
            (&["application/json"], true),
            (&["APPLICATION/JSON; charset=utf-8"], true),
            (&["application/*;q=0.1, text/html"], true),
            (&["application/json, text/javascript, */*; q=0.01"], true),
            (&["text/html", "application/json"], true),
            (&["application/json;charset=UTF-8"], true),
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], true),
            (&["application/json;version=1; charset=utf8"], true),
            (&["%%%"], true),
            (&["text/html, %%%"], false),
            (&["text/html"], false),
            (&["application/xml"], false),
            (&["application/json;q=0"], false),
            (&["application/json;q=0.0, */*"], false),
            (&["application/*;q=0, */*;q=1", "application/json;q=0.1"], true),
        ] {
            let lines: Vec<_> = accept.iter().map(|value| (header::ACCEPT, *value)).collect();
            assert_eq!(accepts_json(&headers(&lines)), is_acceptable, "{accept:?}");
        }
    }

    #[test]
    fn a_content_type_is_json_or_absent() {
        for (lines, is_json) in [
            (&[][..], true),
            (&[(header::CONTENT_TYPE, "application/json")], true),
            (&[(header::CONTENT_TYPE, "Application/JSON; charset=UTF-8")], true),
            (&[(header::CONTENT_TYPE, "application/vnd.api+json")], true),
            (&[(header::CONTENT_TYPE, "application/x-www-form-urlencoded")], false),
            (&[(header::CONTENT_TYPE, "text/plain")], false),
            (&[(header::CONTENT_TYPE, "text/json")], false),
            (&[(header::CONTENT_TYPE, "nonsense")], false),
            (&[(header::CONTENT_ENCODING, "identity")], true),
            (&[(header::CONTENT_ENCODING, "gzip")], false),
        ] {
            assert_eq!(sends_json(&headers(lines)), is_json, "{lines:?}");
        }
    }
}
