//! What the names of the platform's own headers begin with.

/// What the names of the platform's own headers begin with: `X-Spiffy-Stores`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderPrefix(String);

/// The text cannot begin a header's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a header prefix is 1 to 64 letters, digits or '-', and does not end in '-'")]
pub struct InvalidHeaderPrefix;

impl HeaderPrefix {
    /// Reads a prefix, without its last dash.
    pub fn parse(text: &str) -> Result<Self, InvalidHeaderPrefix> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_valid = (1..=64).contains(&text.len()) && text.bytes().all(allowed) && !text.ends_with('-');
        is_valid.then(|| Self(text.to_owned())).ok_or(InvalidHeaderPrefix)
    }

    /// The header's name that ends so.
    pub fn name(&self, rest: &str) -> String {
        format!("{}-{rest}", self.0)
    }

    /// The header that tells the id of a resource: `X-Spiffy-Stores-Customer-Group-Id`. None for the two
    /// whose header would be read as another of the same name.
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
        let rest = name.get(..self.0.len()).filter(|start| start.eq_ignore_ascii_case(&self.0));
        rest.is_some() && name[self.0.len()..].starts_with('-')
    }
}

impl Default for HeaderPrefix {
    fn default() -> Self {
        Self("X-Spiffy-Stores".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resources_id_has_a_header_unless_that_is_anothers() {
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
    fn a_prefix_can_begin_a_header_name() {
        for (text, is_valid) in
            [("X-Spiffy-Stores", true), ("", false), ("X-", false), ("X Y", false), ("X\r\nY", false)]
        {
            assert_eq!(HeaderPrefix::parse(text).is_ok(), is_valid, "{text:?}");
        }
    }
}
