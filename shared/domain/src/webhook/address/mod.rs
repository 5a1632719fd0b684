//! Addresses: the URLs that deliveries are sent to.
//!
//! The URL standard mends many malformed URLs, and browsers follow it. An API should not guess, so
//! [`Address::parse`] refuses what the standard would mend. It also refuses a path or a query that
//! the standard writes in another way, such as `/a/../b` or `?a='`: receivers sign and route by
//! these bytes, so an address is sent byte for byte as it is shown. Which IP addresses deliveries
//! may reach is the rule of [`address_policy`](crate::webhook::address_policy).

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Position, Url};

use crate::webhook::address_policy::AddressPolicy;

/// The longest address, in characters.
pub const ADDRESS_LIMIT: usize = 2_048;

/// An absolute `http` or `https` URL without user info or fragment.
///
/// It keeps the text that its owner wrote, because the API shows it again, and the parsed URL. Both
/// have the same path and query; if the text has no path, the URL has `/`.
///
/// ```
/// use storehook_domain::webhook::address::{Address, AddressError};
///
/// assert!(Address::parse("https://apple.com/uninstall?a=b").is_ok());
/// assert_eq!(Address::parse("https://user@apple.com/"), Err(AddressError::Invalid));
/// assert_eq!(Address::parse("ftp://apple.com/"), Err(AddressError::Scheme("ftp".to_owned())));
/// let other = "https://apple.com/hook?a=%27".to_owned();
/// assert_eq!(Address::parse("https://apple.com/hook?a='"), Err(AddressError::Changed(other)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    text: String,
    url: Url,
}

/// Why a text is no address. The messages are the API's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not an absolute URL with a host, or it has user info or a fragment.
    #[error("is invalid")]
    Invalid,
    /// The scheme is not `http` or `https`.
    #[error("protocol {0}:// is not supported")]
    Scheme(String),
    /// It has more than [`ADDRESS_LIMIT`] characters.
    #[error("is too long (maximum is {ADDRESS_LIMIT} characters)")]
    TooLong,
    /// The URL standard writes its path or its query in another way: as in this address.
    #[error("would become {0}")]
    Changed(String),
    /// Deliveries must not reach its host; see [`AddressPolicy`].
    #[error("is not allowed")]
    NotAllowed,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// The text is no address, is too long, has another scheme, or would be changed.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.chars().count() > ADDRESS_LIMIT {
            return Err(AddressError::TooLong);
        }
        let address = Self::read(text)?;
        let (before_path, written) = text.split_at(path_of(text));
        let sent = &address.url[Position::BeforePath..];
        // HTTP sends `/` for an empty path (RFC 9112 §3.2.1).
        let is_same = sent == written || !written.starts_with('/') && sent.strip_prefix('/') == Some(written);
        if is_same { Ok(address) } else { Err(AddressError::Changed(format!("{before_path}{sent}"))) }
    }

    /// Reads an address whose path and query may be changed on their way into the URL.
    fn read(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|_| AddressError::Invalid)?;
        // The URL standard also mends `http:example.com`, where `://` may still follow in the path, and
        // `http:///example.com`, whose host is empty. It drops or mends white space, control characters
        // and backslashes.
        let (scheme, authority) = text[..path_of(text)].split_once("://").ok_or(AddressError::Invalid)?;
        let is_mended = |character: char| character.is_whitespace() || character.is_control();
        if !scheme.eq_ignore_ascii_case(url.scheme()) || authority.contains(is_mended) {
            return Err(AddressError::Invalid);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::Scheme(url.scheme().to_owned()));
        }
        let has_user_info = authority.contains('@');
        if authority.is_empty() || has_user_info || url.fragment().is_some() {
            return Err(AddressError::Invalid);
        }
        Ok(Self { text: text.to_owned(), url })
    }

    /// The address as its owner wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL to send to.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the policy refuses the host without a look-up, because it is an IP address or
    /// `localhost`.
    pub fn is_refused_by(&self, policy: &AddressPolicy) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(ip)) => !policy.permits(ip.into()),
            Some(Host::Ipv6(ip)) => !policy.permits(ip.into()),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let is_local = name == "localhost" || name.ends_with(".localhost");
                is_local && !policy.permits(std::net::Ipv4Addr::LOCALHOST.into())
            }
            None => true,
        }
    }
}

/// Where the authority of a URL ends. The URL standard reads a backslash as a slash.
fn path_of(text: &str) -> usize {
    let authority = text.find("://").map_or(text.len(), |scheme| scheme + "://".len());
    text[authority..].find(['/', '\\', '?', '#']).map_or(text.len(), |path| authority + path)
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

/// For stored addresses. One that is older than the rule of [`Address::parse`] still works: it is
/// sent as the URL standard writes it, as it always was.
impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::read(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.text
    }
}

#[cfg(test)]
mod tests;
