//! Headers as people paste them: from curl, from a proxy's log, from a dump of a framework.

/// Names in lower case with dashes, and values.
pub(super) struct Headers(Vec<(String, String)>);

/// Headers of other senders' signatures.
const FOREIGN: [&str; 8] = [
    "stripe-signature",
    "svix-signature",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-shopify-hmac-sha256",
    "x-signature",
    "x-wc-webhook-signature",
    "x-twilio-signature",
];

/// What stands around names and values in quoted dumps.
const QUOTES: [char; 6] = ['"', '\'', ',', ' ', '\t', '\\'];

impl Headers {
    /// Reads a header from each line: `Name: value`, with curl's `< ` and `> ` or `-H` before it,
    /// or `"HTTP_NAME" => "value"`. Other lines are passed over.
    pub(super) fn parse(text: &str) -> Self {
        let headers = text.lines().filter_map(|line| {
            let line = line.trim().trim_start_matches(['<', '>', '*']).trim_start();
            let line = line.strip_prefix("-H ").unwrap_or(line);
            let pairs = [line.split_once(':'), line.split_once("=>")].into_iter().flatten();
            let (name, value) = pairs.min_by_key(|(name, _)| name.len())?;
            let name = name.trim_matches(QUOTES).to_ascii_lowercase().replace('_', "-");
            let name = name.strip_prefix("http-").unwrap_or(&name);
            Some((name.to_owned(), value.trim_matches(QUOTES).to_owned()))
        });
        Self(headers.collect())
    }

    /// The value of a header that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found =
            self.0.iter().find(|(given, value)| given.eq_ignore_ascii_case(name) && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// The header of another sender's scheme, if there is one.
    pub(super) fn foreign_signature(&self) -> Option<String> {
        let found = self.0.iter().find(|(name, _)| FOREIGN.contains(&name.as_str()));
        found.map(|(name, _)| name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_from_what_tools_print() {
        for line in [
            "webhook-id: 7-e1",
            "Webhook-Id:7-e1",
            "> WEBHOOK-ID: 7-e1\r",
            "< webhook-id: 7-e1",
            "  -H 'webhook-id: 7-e1' \\",
            "\"webhook-id\": \"7-e1\",",
            "'HTTP_WEBHOOK_ID' => '7-e1',",
            "POST /hooks HTTP/1.1\nHost: localhost:3000\nwebhook-id: 7-e1\n\n",
        ] {
            assert_eq!(Headers::parse(line).get("webhook-id"), Some("7-e1"), "{line}");
        }
        for line in ["", "webhook-id", "webhook-id:", "x-webhook-id: 7"] {
            assert_eq!(Headers::parse(line).get("webhook-id"), None, "{line}");
        }
        let date = Headers::parse("x-spiffy-stores-triggered-at: 2026-11-21T15:00:00Z");
        assert_eq!(date.get("X-Spiffy-Stores-Triggered-At"), Some("2026-11-21T15:00:00Z"));
    }
}
