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
    fn a_prefix_can_begin_a_header_name() {
        for (text, is_valid) in
            [("X-Spiffy-Stores", true), ("", false), ("X-", false), ("X Y", false), ("X\r\nY", false)]
        {
            assert_eq!(HeaderPrefix::parse(text).is_ok(), is_valid, "{text:?}");
        }
    }
}
