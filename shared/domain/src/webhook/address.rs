//! Addresses: the URLs that deliveries are sent to.
//!
//! The URL standard mends many malformed URLs, and browsers follow it. An API should not guess, so
//! [`Address::parse`] refuses what the standard would mend. Which IP addresses deliveries may reach
//! is the rule of [`address_policy`](crate::webhook::address_policy).

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::{input::parsed_text::text_conversions, webhook::address_policy::AddressPolicy};

/// The longest address, in characters.
pub const ADDRESS_LIMIT: usize = 2_048;

/// An absolute `http` or `https` URL without user info or fragment.
///
/// It keeps the text that its owner wrote, because the API shows it again, and the parsed URL.
///
/// ```
/// use storehook_domain::webhook::address::{Address, AddressError};
///
/// assert!(Address::parse("https://apple.com/uninstall?a=b").is_ok());
/// assert_eq!(Address::parse("https://user@apple.com/"), Err(AddressError::Invalid));
/// assert_eq!(Address::parse("ftp://apple.com/"), Err(AddressError::Scheme("ftp".to_owned())));
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
    /// Deliveries must not reach its host; see [`AddressPolicy`].
    #[error("is not allowed")]
    NotAllowed,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// The text is no address, is too long, or has another scheme.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.chars().count() > ADDRESS_LIMIT {
            return Err(AddressError::TooLong);
        }
        // The URL standard drops or mends these characters.
        if text
            .chars()
            .any(|character| character.is_whitespace() || character.is_control() || character == '\\')
        {
            return Err(AddressError::Invalid);
        }
        let url = Url::parse(text).map_err(|_| AddressError::Invalid)?;
        if !matches!(url.scheme(), "http" | "https") {
            // `localhost:8080` and `mailto:x` parse as URLs, too. Only a text with `://` has a
            // scheme.
            return Err(match text.split_once("://") {
                Some(_) => AddressError::Scheme(url.scheme().to_owned()),
                None => AddressError::Invalid,
            });
        }
        // The URL standard also mends `http:example.com`, and `http:///example.com`, whose host is
        // empty.
        let is_absolute = text.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//"))
            && !authority_of(text).is_empty();
        let has_user_info =
            !url.username().is_empty() || url.password().is_some() || authority_of(text).contains('@');
        if !is_absolute || !url.has_host() || has_user_info || url.fragment().is_some() {
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

fn authority_of(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

text_conversions!(Address, AddressError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_absolute_http_url_and_keeps_its_spelling() {
        for (text, error) in [
            ("http://apple.com", None),
            ("https://apple.com/uninstall?a=b", None),
            ("HTTPS://Apple.com:8443/", None),
            ("http://[2001:4860:4860::8888]/", None),
            ("https://bücher.example/", None),
            ("", Some("is invalid")),
            ("apple.com", Some("is invalid")),
            ("/hook", Some("is invalid")),
            ("http://", Some("is invalid")),
            ("http:apple.com", Some("is invalid")),
            ("http:/apple.com", Some("is invalid")),
            ("mailto:me@example.com", Some("is invalid")),
            ("localhost:8080", Some("is invalid")),
            ("http://user@apple.com/", Some("is invalid")),
            ("http://user:word@apple.com/", Some("is invalid")),
            ("http://@apple.com/", Some("is invalid")),
            ("http://apple.com/#top", Some("is invalid")),
            ("http://apple.com/#", Some("is invalid")),
            (" http://apple.com", Some("is invalid")),
            ("http://app\tle.com", Some("is invalid")),
            ("http:\\\\apple.com", Some("is invalid")),
            ("http://a b.com", Some("is invalid")),
            ("http://1.2.3.4.5/", Some("is invalid")),
            ("ftp://apple.com/", Some("protocol ftp:// is not supported")),
            ("file:///etc/passwd", Some("protocol file:// is not supported")),
        ] {
            let result = Address::parse(text);
            assert_eq!(result.as_ref().err().map(ToString::to_string).as_deref(), error, "{text:?}");
            assert!(result.is_err() || result.is_ok_and(|address| address.as_str() == text));
        }
        let longest = format!("http://a.com/{}", "x".repeat(ADDRESS_LIMIT - 13));
        assert!(Address::parse(&longest).is_ok());
        assert_eq!(Address::parse(&format!("{longest}x")), Err(AddressError::TooLong));
    }

    #[test]
    fn a_private_ip_address_or_localhost_is_refused_without_a_look_up() {
        let closed = AddressPolicy::default();
        let open: AddressPolicy = AddressPolicy::opening("127.0.0.0/8").unwrap_or_default();
        for (text, is_refused, is_refused_when_open) in [
            ("http://127.0.0.1/", true, false),
            ("http://0x7f000001/", true, false),
            ("http://127.1/", true, false),
            ("http://localhost:3000/", true, false),
            ("http://LOCALHOST./", true, false),
            ("http://hook.localhost/", true, false),
            ("http://[::ffff:127.0.0.1]/", true, false),
            ("http://169.254.169.254/latest/meta-data", true, true),
            ("http://[fd00:ec2::254]/", true, true),
            ("https://example.com/", false, false),
            ("https://8.8.8.8/", false, false),
        ] {
            let refusals = Address::parse(text)
                .map(|address| (address.is_refused_by(&closed), address.is_refused_by(&open)));
            assert_eq!(refusals, Ok((is_refused, is_refused_when_open)), "{text}");
        }
    }
}
