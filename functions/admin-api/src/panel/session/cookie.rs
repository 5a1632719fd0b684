//! The session's cookie: an opaque random id, and nothing else.
//!
//! Over HTTPS its name begins with `__Host-`, so that browsers take it only from this very host and
//! only over HTTPS (RFC 6265bis §4.1.3.2). On loopback, which the local stack serves by plain HTTP,
//! it has neither that prefix nor `Secure`. It is `SameSite=Strict`: no other site's page can make
//! a browser send it.

use axum::http::{HeaderMap, HeaderValue, header};
use storehook_aws::registry::SESSION_TIME;

/// The names of the cookie: over HTTPS, and on loopback.
const NAMES: [&str; 2] = ["__Host-storehook", "storehook"];

/// The session's id that a request carries.
pub(crate) fn session_id(headers: &HeaderMap) -> Option<&str> {
    let name = name(headers);
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(given, _)| *given == name).map(|(_, value)| value)
}

/// The header that begins a session.
pub(crate) fn begin(headers: &HeaderMap, id: &str) -> Option<HeaderValue> {
    cookie(headers, id, SESSION_TIME.as_secs())
}

/// The header that makes a browser forget its session.
pub(crate) fn end(headers: &HeaderMap) -> Option<HeaderValue> {
    cookie(headers, "", 0)
}

fn cookie(headers: &HeaderMap, id: &str, seconds: i64) -> Option<HeaderValue> {
    let secure = if is_loopback(headers) { "" } else { "; Secure" };
    let name = name(headers);
    let text = format!("{name}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn name(headers: &HeaderMap) -> &'static str {
    NAMES[usize::from(is_loopback(headers))]
}

/// Whether the request was sent to a loopback name. Browsers resolve `*.localhost` to loopback
/// themselves (RFC 6761 §6.3).
fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.extend(host.parse().ok().map(|host| (header::HOST, host)));
        for cookie in cookies {
            headers.extend(cookie.parse().ok().map(|cookie| (header::COOKIE, cookie)));
        }
        headers
    }

    #[test]
    fn the_cookie_is_bound_to_https_and_its_host_except_on_loopback() {
        for (host, expected) in [
            ("a.example", "__Host-storehook=x; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"),
            (
                "localhost.example",
                "__Host-storehook=x; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure",
            ),
            ("127.0.0.1:4566", "storehook=x; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"),
            ("[::1]", "storehook=x; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"),
            (
                "ab12.execute-api.localhost:4566",
                "storehook=x; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict",
            ),
        ] {
            let cookie = begin(&headers(host, &[]), "x");
            assert_eq!(cookie.as_ref().and_then(|value| value.to_str().ok()), Some(expected), "{host}");
        }
    }

    #[test]
    fn a_session_is_read_from_the_cookie_of_its_host_alone() {
        for (host, cookies, expected) in [
            ("a.example", &["a=1; __Host-storehook=x; b=2"][..], Some("x")),
            ("a.example", &["a=1", "__Host-storehook=x"], Some("x")),
            ("a.example", &["storehook=x"], None),
            ("localhost", &["storehook=x"], Some("x")),
            ("localhost", &["__Host-storehook=x"], None),
            ("a.example", &[], None),
        ] {
            assert_eq!(session_id(&headers(host, cookies)), expected, "{host}: {cookies:?}");
        }
    }
}
