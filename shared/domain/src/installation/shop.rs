//! Shops' names: the domains of their stores.

use serde::{Deserialize, Serialize};

use crate::input::parsed_text::{text_conversions, text_display};

/// A store, by its domain: `mynewstore.spiffystores.com`.
///
/// [`Self::parse`] lower-cases it: host names ignore case, and a shop must not have two partitions
/// in a table. It has at most 253 letters, digits, `-` and `.` (RFC 1035 §2.3.4), so it can stand
/// in a key or a header unchanged.
///
/// ```
/// use storehook_domain::installation::shop::ShopDomain;
///
/// let shop = ShopDomain::parse("MyNewStore.spiffystores.com")?;
/// assert_eq!(shop.as_str(), "mynewstore.spiffystores.com");
/// assert!(ShopDomain::parse("https://mynewstore.spiffystores.com/").is_err());
/// # Ok::<_, storehook_domain::installation::shop::InvalidShop>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShopDomain(String);

/// The text is no domain name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a shop must be a domain name, such as mynewstore.spiffystores.com")]
pub struct InvalidShop;

impl ShopDomain {
    /// Reads a shop's domain.
    ///
    /// # Errors
    ///
    /// The text is no domain name.
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
    fn a_shop_is_a_domain_name_in_any_case() {
        for text in ["mynewstore.spiffystores.com", "MyNewStore.SpiffyStores.com"] {
            assert_eq!(
                ShopDomain::parse(text).map(String::from),
                Ok("mynewstore.spiffystores.com".to_owned())
            );
        }
    }

    #[test]
    fn texts_that_could_break_a_key_or_a_header_are_rejected() {
        let long_label = "a".repeat(64);
        let long_name = vec!["a".repeat(63); 4].join(".");
        for text in
            ["", ".", "a..b", "a#b", "a/b", "a b", "-a.b", "a-.b", "é.com", "a\r\nb", &long_label, &long_name]
        {
            assert_eq!(ShopDomain::parse(text), Err(InvalidShop), "{text:?}");
        }
    }
}
