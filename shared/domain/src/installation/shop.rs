//! A shop's name: the domain that its store answers on.

use serde::{Deserialize, Serialize};

use crate::input::parsed_text::{text_conversions, text_display};

/// A store, by its domain: `mynewstore.spiffystores.com`.
///
/// Lower-cased on the way in, because host names are compared without regard to case
/// and a shop must not have two partitions in a table. At most 253 characters of
/// letters, digits, `-` and `.` (RFC 1035 §2.3.4), so that the name can stand in a key
/// or a header as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShopDomain(String);

/// The text is not a host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a shop is a domain name, for example mynewstore.spiffystores.com")]
pub struct InvalidShop;

impl ShopDomain {
    /// Reads a shop's domain.
    pub fn parse(text: &str) -> Result<Self, InvalidShop> {
        let domain = text.to_ascii_lowercase();
        let labels_are_valid = domain.split('.').all(|label| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=63).contains(&label.len())
                && label.bytes().all(allowed)
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
        if domain.len() <= 253 && labels_are_valid { Ok(Self(domain)) } else { Err(InvalidShop) }
    }

    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_conversions!(ShopDomain, InvalidShop);
text_display!(ShopDomain);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_a_host_name_whatever_its_case() {
        for text in ["mynewstore.spiffystores.com", "MyNewStore.SpiffyStores.com"] {
            assert_eq!(
                ShopDomain::parse(text).map(String::from),
                Ok("mynewstore.spiffystores.com".to_owned())
            );
        }
    }

    #[test]
    fn what_could_spoil_a_key_or_a_header_is_no_shop() {
        let long_label = "a".repeat(64);
        let long_name = vec!["a".repeat(63); 4].join(".");
        for text in
            ["", ".", "a..b", "a#b", "a/b", "a b", "-a.b", "a-.b", "é.com", "a\r\nb", &long_label, &long_name]
        {
            assert_eq!(ShopDomain::parse(text), Err(InvalidShop), "{text:?}");
        }
    }
}
