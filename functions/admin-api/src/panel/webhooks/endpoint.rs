//! Endpoints by a short name, for where a whole address has no room.

use storehook_domain::webhook::address::Address;

/// The longest path that is shown, in characters.
const PATH_LIMIT: usize = 40;

/// The host and the path of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The host, with the port. `http://` comes before it, and nothing before `https`.
    pub(crate) host: String,
    /// The path with its query, cut where it is long; empty if it is `/`.
    pub(crate) path: String,
}

impl Endpoint {
    /// The endpoint of an address that the API printed.
    pub(crate) fn of(address: &str) -> Self {
        let Ok(address) = Address::try_from(address.to_owned()) else {
            return Self { host: address.chars().take(PATH_LIMIT).collect(), path: String::new() };
        };
        let url = address.url();
        let scheme = if url.scheme() == "https" { "" } else { "http://" };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", url.path());
        let is_long = path.chars().count() > PATH_LIMIT;
        let path = match path.as_str() {
            "/" => String::new(),
            _ if is_long => path.chars().take(PATH_LIMIT).chain(['…']).collect(),
            _ => path,
        };
        Self { host: format!("{scheme}{}{port}", url.host_str().unwrap_or_default()), path }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}{}", self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_named_by_host_and_path() {
        for (address, name) in [
            ("https://a.example", "a.example"),
            ("https://a.example/", "a.example"),
            ("https://a.example:8443/hook?a=1", "a.example:8443/hook?a=1"),
            ("http://a.example/hook", "http://a.example/hook"),
            (&format!("https://a.example/{}", "x".repeat(39)), &format!("a.example/{}", "x".repeat(39))),
            (&format!("https://a.example/{}", "x".repeat(40)), &format!("a.example/{}…", "x".repeat(39))),
        ] {
            assert_eq!(Endpoint::of(address).to_string(), name);
        }
    }
}
