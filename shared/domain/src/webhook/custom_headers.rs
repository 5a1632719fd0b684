//! Headers that a webhook's owner adds to its deliveries.
//!
//! They often hold credentials, so `Debug` hides their values. They must not break a request or
//! pretend to be ours, so some names are reserved.

use std::{collections::HashSet, fmt};

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::webhook::header_prefix::HeaderPrefix;

/// The most headers that a webhook may add.
pub const CUSTOM_HEADERS_LIMIT: usize = 10;

/// The longest name of a header, in characters.
pub(crate) const NAME_LIMIT: usize = 128;

/// The longest value of a header, in characters.
pub const HEADER_VALUE_LIMIT: usize = 1_024;

/// The most bytes of JSON that all headers of a webhook may have together.
pub(crate) const JSON_LIMIT: usize = 3_072;

/// Up to ten headers. None of them is ours, and none is needed by HTTP itself.
///
/// ```
/// use serde_json::json;
/// use storehook_domain::webhook::{
///     custom_headers::{CustomHeaders, CustomHeadersError},
///     header_prefix::HeaderPrefix,
/// };
///
/// let prefix = HeaderPrefix::default();
/// assert!(CustomHeaders::parse(&json!({"X-Api-Key": "abc"}), &prefix).is_ok());
/// let error = CustomHeaders::parse(&json!({"Host": "a"}), &prefix);
/// assert_eq!(error, Err(CustomHeadersError::Reserved("Host".to_owned())));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomHeaders(serde_json::Map<String, serde_json::Value>);

/// Why headers are refused. The messages are the API's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomHeadersError {
    /// The JSON is not an object of strings.
    #[error("must be an object of header names and values")]
    NotAnObject,
    /// There are more than [`CUSTOM_HEADERS_LIMIT`] headers.
    #[error("is too long (maximum is {CUSTOM_HEADERS_LIMIT} headers)")]
    TooMany,
    /// They have more than 3,072 bytes of JSON (`JSON_LIMIT`).
    #[error("is too long (maximum is {JSON_LIMIT} bytes of JSON)")]
    TooLong,
    /// A name is not allowed by HTTP, has more than 128 characters (`NAME_LIMIT`), or is there
    /// twice, in any case. The error quotes the first 128 characters.
    #[error("has an invalid name: {0}")]
    Name(String),
    /// A value is not allowed by HTTP, or has more than [`HEADER_VALUE_LIMIT`] characters.
    #[error("has an invalid value for {0}")]
    Value(String),
    /// Storehook or HTTP itself uses the name.
    #[error("may not set {0}")]
    Reserved(String),
}

impl CustomHeaders {
    /// Reads headers from the API's JSON: an object of names and values. Names with the operator's
    /// `prefix` are reserved, too.
    ///
    /// # Errors
    ///
    /// The JSON is no such object, is too long, or has a name or value that is not allowed.
    pub fn parse(json: &serde_json::Value, prefix: &HeaderPrefix) -> Result<Self, CustomHeadersError> {
        let headers = json.as_object().ok_or(CustomHeadersError::NotAnObject)?;
        if headers.len() > CUSTOM_HEADERS_LIMIT {
            return Err(CustomHeadersError::TooMany);
        }
        if json.to_string().len() > JSON_LIMIT {
            return Err(CustomHeadersError::TooLong);
        }
        let mut names = HashSet::new();
        for (name, value) in headers {
            let value = value.as_str().ok_or(CustomHeadersError::NotAnObject)?;
            let parsed = name.parse::<HeaderName>().ok().filter(|name| name.as_str().len() <= NAME_LIMIT);
            let invalid = || CustomHeadersError::Name(name.chars().take(NAME_LIMIT).collect());
            let parsed = parsed.filter(|name| names.insert(name.clone())).ok_or_else(invalid)?;
            if is_reserved(parsed.as_str()) || prefix.begins(parsed.as_str()) {
                return Err(CustomHeadersError::Reserved(name.clone()));
            }
            if value.len() > HEADER_VALUE_LIMIT || HeaderValue::from_str(value).is_err() {
                return Err(CustomHeadersError::Value(name.clone()));
            }
        }
        Ok(Self(headers.clone()))
    }

    /// The headers' names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }
}

impl fmt::Debug for CustomHeaders {
    /// Prints names only: values are often credentials.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter().map(|(name, _)| (name, format_args!("***")))).finish()
    }
}

/// Whether a name is ours, hop-by-hop (RFC 9110 §7.6.1), or describes or frames the body.
fn is_reserved(name: &str) -> bool {
    const NAMES: [&str; 17] = [
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "traceparent",
    ];
    const PREFIXES: [&str; 3] = ["x-spiffy-", "x-shopify-", "webhook-"];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn custom_headers_are_few_short_and_valid() {
        let many = |count| -> serde_json::Map<_, _> {
            (0..count).map(|number| (format!("X-{number}"), json!("a"))).collect()
        };
        let of_json = |bytes: usize| {
            let [full, rest] = [1_024, bytes - 2 * 1_024 - r#"{"X-A":"","X-B":"","X-C":""}"#.len()];
            json!({"X-A": "x".repeat(full), "X-B": "x".repeat(full), "X-C": "x".repeat(rest)})
        };
        for (headers, error) in [
            (json!({}), None),
            (json!({"X-Api-Key": "abc", "Authorization": "Bearer x"}), None),
            (json!([]), Some("must be an object of header names and values")),
            (json!({"X-A": 7}), Some("must be an object of header names and values")),
            (json!(many(10)), None),
            (json!(many(11)), Some("is too long (maximum is 10 headers)")),
            (json!({"X A": "b"}), Some("has an invalid name: X A")),
            (json!({"": "b"}), Some("has an invalid name: ")),
            (json!({"X-A": "1", "x-a": "2"}), Some("has an invalid name: x-a")),
            (json!({"X".repeat(129): "b"}), Some(&*format!("has an invalid name: {}", "X".repeat(128)))),
            (json!({"X".repeat(128): "b"}), None),
            (json!({"X-A": "b\r\nX-Evil: 1"}), Some("has an invalid value for X-A")),
            (json!({"X-A": "x".repeat(1_024)}), None),
            (json!({"X-A": "x".repeat(1_025)}), Some("has an invalid value for X-A")),
            (of_json(3_072), None),
            (of_json(3_073), Some("is too long (maximum is 3072 bytes of JSON)")),
        ] {
            let result =
                CustomHeaders::parse(&headers, &HeaderPrefix::default()).map_err(|error| error.to_string());
            assert_eq!(result.err().as_deref(), error, "{headers}");
        }
    }

    /// Hop-by-hop headers (RFC 9110 §7.6.1), headers that frame or describe the body, and ours.
    #[test]
    fn names_that_http_or_storehook_uses_are_reserved() {
        for name in [
            "Accept-Encoding",
            "Connection",
            "Content-Encoding",
            "Content-Length",
            "Content-Type",
            "Expect",
            "Host",
            "Keep-Alive",
            "Proxy-Authenticate",
            "Proxy-Authorization",
            "Proxy-Connection",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "User-Agent",
            "traceparent",
            "X-Spiffy-Stores-Topic",
            "X-Spiffy-HMAC-SHA256",
            "X-Shopify-Topic",
            "Webhook-Id",
            "webhook-signature",
        ] {
            let refused = CustomHeaders::parse(&json!({name: "a"}), &HeaderPrefix::default());
            assert_eq!(refused, Err(CustomHeadersError::Reserved(name.to_owned())));
        }
    }

    #[test]
    fn the_operators_own_prefix_is_reserved_too()
    -> Result<(), crate::webhook::header_prefix::InvalidHeaderPrefix> {
        let prefix = HeaderPrefix::parse("X-Acme")?;
        for (name, is_allowed) in [("X-Acme-Test", false), ("x-acme-order-id", false), ("X-Acmeville", true)]
        {
            assert_eq!(CustomHeaders::parse(&json!({name: "a"}), &prefix).is_ok(), is_allowed, "{name}");
        }
        Ok(())
    }

    #[test]
    fn debug_shows_names_and_no_values() -> Result<(), CustomHeadersError> {
        let headers = CustomHeaders::parse(&json!({"Authorization": "Bearer x"}), &HeaderPrefix::default())?;
        assert_eq!(format!("{headers:?}"), r#"{"Authorization": ***}"#);
        Ok(())
    }
}
