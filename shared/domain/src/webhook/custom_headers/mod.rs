//! Headers that a webhook's owner adds to its deliveries.
//!
//! They often hold credentials, so `Debug` and the API hide their values behind a [`MASK`]. Clients
//! send back what they were shown, so a mask that is sent keeps the value that is there. They must
//! not break a request or pretend to be ours, so some names are reserved.

use std::{collections::HashSet, fmt};

use http::HeaderName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::webhook::header_prefix::HeaderPrefix;

/// What is shown instead of a value.
pub const MASK: &str = "***";

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
pub struct CustomHeaders(Map<String, Value>);

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
    /// A value has more than [`HEADER_VALUE_LIMIT`] characters, begins or ends with white space, or
    /// has anything but visible ASCII and spaces.
    #[error("has an invalid value for {0}")]
    Value(String),
    /// Storehook or HTTP itself uses the name.
    #[error("may not set {0}")]
    Reserved(String),
    /// There is a [`MASK`] for a header that has no value yet.
    #[error("has {MASK} for {0}, which has no value to keep")]
    NothingToKeep(String),
}

impl CustomHeaders {
    /// Reads a new webhook's headers from the API's JSON: an object of names and values. Names with
    /// the operator's `prefix` are reserved, too.
    ///
    /// # Errors
    ///
    /// The JSON is no such object, is too long, or has a name or value that is not allowed.
    pub fn parse(json: &Value, prefix: &HeaderPrefix) -> Result<Self, CustomHeadersError> {
        Self::default().changed(json, prefix)
    }

    /// Reads the headers that take the place of these. A [`MASK`] keeps the value that is there,
    /// whatever the case of the name. A value that stays is not checked again, even if its owner
    /// could not write it now.
    ///
    /// ```
    /// use serde_json::json;
    /// use storehook_domain::webhook::{custom_headers::CustomHeaders, header_prefix::HeaderPrefix};
    ///
    /// let prefix = HeaderPrefix::default();
    /// let present = CustomHeaders::parse(&json!({"X-Api-Key": "abc"}), &prefix)?;
    /// let changed = present.changed(&json!({"x-api-key": "***", "X-More": "1"}), &prefix)?;
    /// assert!(changed.iter().eq([("x-api-key", "abc"), ("X-More", "1")]));
    /// # Ok::<_, storehook_domain::webhook::custom_headers::CustomHeadersError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Self::parse`], or there is a mask for a header that is not there.
    pub fn changed(&self, json: &Value, prefix: &HeaderPrefix) -> Result<Self, CustomHeadersError> {
        let sent = json.as_object().ok_or(CustomHeadersError::NotAnObject)?;
        if sent.len() > CUSTOM_HEADERS_LIMIT {
            return Err(CustomHeadersError::TooMany);
        }
        must_be_short(sent)?;
        let (mut headers, mut names) = (Map::new(), HashSet::new());
        for (name, value) in sent {
            let value = value.as_str().ok_or(CustomHeadersError::NotAnObject)?;
            let parsed = name.parse::<HeaderName>().ok().filter(|name| name.as_str().len() <= NAME_LIMIT);
            let invalid = || CustomHeadersError::Name(name.chars().take(NAME_LIMIT).collect());
            let parsed = parsed.filter(|name| names.insert(name.clone())).ok_or_else(invalid)?;
            let value = match self.value_of(&parsed) {
                Some(present) if value == MASK || value == present => present,
                _ if is_reserved(parsed.as_str()) || prefix.begins(parsed.as_str()) => {
                    return Err(CustomHeadersError::Reserved(name.clone()));
                }
                _ if value == MASK => return Err(CustomHeadersError::NothingToKeep(name.clone())),
                _ if !is_plain(value) => return Err(CustomHeadersError::Value(name.clone())),
                _ => value,
            };
            headers.insert(name.clone(), value.into());
        }
        must_be_short(&headers)?;
        Ok(Self(headers))
    }

    /// The headers' names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }

    fn value_of(&self, wanted: &HeaderName) -> Option<&str> {
        let same = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case(wanted.as_str());
        self.iter().find(same).map(|(_, value)| value)
    }
}

impl fmt::Debug for CustomHeaders {
    /// Prints names only: values are often credentials.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = self.iter().map(|(name, _)| (name, format_args!("***")));
        formatter.debug_map().entries(masked).finish()
    }
}

fn must_be_short(headers: &Map<String, Value>) -> Result<(), CustomHeadersError> {
    let json = serde_json::to_string(headers).unwrap_or_default();
    if json.len() > JSON_LIMIT { Err(CustomHeadersError::TooLong) } else { Ok(()) }
}

/// Whether a value arrives at an endpoint as it was written: HTTP drops white space around values,
/// and leaves it to each receiver what it makes of characters beyond ASCII.
fn is_plain(value: &str) -> bool {
    value.len() <= HEADER_VALUE_LIMIT
        && value.trim_matches(' ') == value
        && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
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
mod tests;
