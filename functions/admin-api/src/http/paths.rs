//! Paths: one spelling for each resource.
//!
//! Clients of this family of APIs use `/admin`, `/api` or `/admin/api/<version>`, with or without
//! `.json`. The router sees `/admin/<path>` for all of them.
//!
//! API Gateway decodes a path. A `#` or `?` that the client had encoded would end the path here and
//! name another resource, so such characters are encoded again.

use axum::extract::Request;
use lambda_http::RequestExt as _;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::http::page_links::SpelledPath;

/// The characters that a path must encode (the URL standard's path percent-encode set).
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Makes a request's path canonical: `/api/webhooks/7.json` becomes `/admin/webhooks/7`. Links to
/// other pages keep the client's spelling.
pub(crate) fn to_canonical<B>(mut request: Request<B>) -> Request<B> {
    let spelled = match request.raw_http_path() {
        "" => request.uri().path().to_owned(),
        decoded => utf8_percent_encode(decoded, NOT_IN_PATHS).to_string(),
    };
    let canonical = canonical(&spelled);
    request.extensions_mut().insert(SpelledPath(spelled));
    let path_and_query = match request.uri().query() {
        Some(query) => format!("{canonical}?{query}"),
        None => canonical,
    };
    // A path without its prefix and suffix is still a path, so this parses.
    if let Ok(uri) = path_and_query.parse() {
        *request.uri_mut() = uri;
    }
    request
}

fn canonical(path: &str) -> String {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let trimmed = trimmed.strip_suffix(".json").unwrap_or(trimmed);
    match without_prefix(trimmed) {
        Some(rest) => format!("/admin{rest}"),
        None if trimmed.is_empty() => "/".to_owned(),
        None => trimmed.to_owned(),
    }
}

/// What follows `/admin/api/<version>`, `/admin` or `/api`.
fn without_prefix(path: &str) -> Option<&str> {
    let after =
        |prefix: &str| path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    if let Some(versioned) = after("/admin/api") {
        let (version, rest) = versioned.strip_prefix('/')?.split_once('/')?;
        return is_version(version).then(|| &versioned[versioned.len() - rest.len() - 1..]);
    }
    after("/admin").or_else(|| after("/api"))
}

/// `2024-10`, or `unstable`.
fn is_version(text: &str) -> bool {
    let is_number =
        |part: &str, digits: usize| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
    text == "unstable"
        || text.split_once('-').is_some_and(|(year, month)| is_number(year, 4) && is_number(month, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_path_becomes_the_canonical_one() {
        for (path, expected) in [
            ("/admin/webhooks.json", "/admin/webhooks"),
            ("/admin/webhooks", "/admin/webhooks"),
            ("/admin/webhooks/", "/admin/webhooks"),
            ("/api/webhooks/7.json", "/admin/webhooks/7"),
            ("/admin/api/2024-10/webhooks/count.json", "/admin/webhooks/count"),
            ("/admin/api/unstable/webhooks", "/admin/webhooks"),
            ("/admin/api/webhooks", "/admin/api/webhooks"),
            ("/admin/api/latest/webhooks", "/admin/api/latest/webhooks"),
            ("/administrator/webhooks", "/administrator/webhooks"),
            ("/webhooks", "/webhooks"),
            ("/", "/"),
            ("", "/"),
        ] {
            assert_eq!(canonical(path), expected, "{path}");
        }
    }

    #[test]
    fn the_query_stays() {
        let request = Request::builder().uri("https://x.example/api/webhooks.json?limit=1&a=%20").body(());
        let uri = request.map(|request| to_canonical(request).uri().to_string());
        assert_eq!(uri.ok().as_deref(), Some("/admin/webhooks?limit=1&a=%20"));
    }
}
