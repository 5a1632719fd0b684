//! The prefix of the platform's own headers.
//!
//! An operator may set a prefix of their own, so header names are made here and nowhere else. Those that
//! every delivery has are made once, with the prefix.

use http::HeaderName;

/// The prefix of the platform's own headers, without its last dash: `X-Spiffy-Stores`.
///
/// ```
/// use storehook_domain::webhook::header_prefix::HeaderPrefix;
///
/// let prefix = HeaderPrefix::parse("X-Acme")?;
/// assert_eq!(prefix.name("Topic"), "X-Acme-Topic");
/// assert!(HeaderPrefix::parse("X-Acme-").is_err());
/// # Ok::<_, storehook_domain::webhook::header_prefix::InvalidHeaderPrefix>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderPrefix {
    text: String,
    names: HeaderNames,
}

/// The names of the platform's own headers, but for the id of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderNames {
    pub(crate) store_id: HeaderName,
    pub(crate) topic: HeaderName,
    pub(crate) shop_domain: HeaderName,
    pub(crate) webhook_id: HeaderName,
    pub(crate) event_id: HeaderName,
    pub(crate) triggered_at: HeaderName,
    pub(crate) api_version: HeaderName,
    pub(crate) test: HeaderName,
    pub(crate) replay: HeaderName,
    pub(crate) body_signature: HeaderName,
}

/// The text is no prefix of a header's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a header prefix must be 1 to 64 letters, digits or '-', and must not end in '-'")]
pub struct InvalidHeaderPrefix;

impl HeaderPrefix {
    /// Reads a prefix, without its last dash.
    ///
    /// # Errors
    ///
    /// The text is empty, too long, has another character, or ends in a dash.
    pub fn parse(text: &str) -> Result<Self, InvalidHeaderPrefix> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_valid = (1..=64).contains(&text.len()) && text.bytes().all(allowed) && !text.ends_with('-');
        if is_valid { Ok(Self::new(text)) } else { Err(InvalidHeaderPrefix) }
    }

    /// The prefix of a text that is one.
    #[expect(clippy::expect_used, reason = "a prefix and a rest of letters and dashes are a header's name")]
    fn new(text: &str) -> Self {
        let name = |rest: &str| {
            HeaderName::from_bytes(format!("{text}-{rest}").as_bytes()).expect("letters, digits and dashes")
        };
        let names = HeaderNames {
            store_id: name("ID"),
            topic: name("Topic"),
            shop_domain: name("Shop-Domain"),
            webhook_id: name("Webhook-Id"),
            event_id: name("Event-Id"),
            triggered_at: name("Triggered-At"),
            api_version: name("API-Version"),
            test: name("Test"),
            replay: name("Replay"),
            body_signature: name("HMAC-SHA256"),
        };
        Self { text: text.to_owned(), names }
    }

    /// The names of the headers that deliveries have.
    pub(crate) fn names(&self) -> &HeaderNames {
        &self.names
    }

    /// The name of a header: this prefix, a dash and `rest`.
    pub fn name(&self, rest: &str) -> String {
        format!("{}-{rest}", self.text)
    }

    /// The header for the id of a resource: `X-Spiffy-Stores-Customer-Group-Id`. Two resources have
    /// none, because their header's name is taken: `webhook` and `event`.
    pub fn id_header(&self, resource: &str) -> Option<String> {
        let capitalized = resource.split('_').map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + rest
        });
        let is_taken = matches!(resource, "webhook" | "event");
        (!is_taken).then(|| self.name(&format!("{}-Id", capitalized.collect::<Vec<_>>().join("-"))))
    }

    /// Whether a header's name begins with this prefix, in any case.
    pub(crate) fn begins(&self, name: &str) -> bool {
        let rest = name.get(..self.text.len()).filter(|start| start.eq_ignore_ascii_case(&self.text));
        rest.is_some() && name[self.text.len()..].starts_with('-')
    }
}

impl Default for HeaderPrefix {
    fn default() -> Self {
        Self::new("X-Spiffy-Stores")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_has_an_id_header_unless_its_name_is_taken() {
        for (resource, header) in [
            ("order", Some("X-Spiffy-Stores-Order-Id")),
            ("customer_group", Some("X-Spiffy-Stores-Customer-Group-Id")),
            ("webhook", None),
            ("event", None),
        ] {
            assert_eq!(HeaderPrefix::default().id_header(resource).as_deref(), header);
        }
    }

    #[test]
    fn a_prefix_is_a_valid_start_of_a_header_name() {
        for (text, is_valid) in
            [("X-Spiffy-Stores", true), ("", false), ("X-", false), ("X Y", false), ("X\r\nY", false)]
        {
            assert_eq!(HeaderPrefix::parse(text).is_ok(), is_valid, "{text:?}");
        }
    }
}
