//! Which page a change comes from: only this panel's own pages may make one.
//!
//! Browsers tell it with every POST, and pages cannot write these headers (Fetch, "Forbidden
//! request-header"). `Sec-Fetch-Site` says it outright. An older browser sends `Origin`, whose
//! authority must be the host that the request came to. A request with neither is refused.

use axum::http::{HeaderMap, header};
use url::{Position, Url};

/// Whether a change comes from a page of this host.
pub(crate) fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_some() && authority == text(header::HOST.as_str())
        }
        (None, None) => false,
    }
}

/// The path and the query of the page that led here, if it is a page of this host.
pub(crate) fn own_referer(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let page = Url::parse(text(header::REFERER)?).ok()?;
    let is_own = Some(&page[Position::BeforeHost..Position::AfterPort]) == text(header::HOST);
    is_own.then(|| page[Position::BeforePath..Position::AfterQuery].to_owned())
}

/// Whether another site's page led here. The browser then holds back a strict cookie.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    matches!(site, Some("cross-site" | "same-site"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_same_host_may_change_anything() {
        for (lines, expected) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://a.example")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "https://a.example")], true),
            (&[("origin", "https://b.example")], false),
            (&[("origin", "https://a.example:8443")], false),
            (&[("origin", "null")], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines.iter().chain(&[("host", "a.example")]) {
                headers
                    .extend(value.parse().ok().map(|value| (header::HeaderName::from_static(name), value)));
            }
            assert_eq!(is_own(&headers), expected, "{lines:?}");
        }
    }
}
