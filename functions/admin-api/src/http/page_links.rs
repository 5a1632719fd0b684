//! The `Link` header of a list: where its other pages are (RFC 8288).
//!
//! Libraries of this family of APIs page by it alone. A link is an absolute URL of this API with the
//! path as the client spelled it, because libraries take it apart again. Its query names the page
//! by `page_info`.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
};
use url::form_urlencoded::Serializer;

use crate::http::own_url::own_url;

/// The path of a request as the client spelled it: an extension of the request.
#[derive(Clone)]
pub(crate) struct SpelledPath(pub(crate) String);

/// The URL of a list, without a query.
pub(crate) struct ListUrl(String);

impl ListUrl {
    /// The URL of the list that a request asks for; `setting` as for [`own_url`].
    pub(crate) fn of(setting: Option<&str>, request: &Request) -> Self {
        let spelled = request.extensions().get::<SpelledPath>().map(|SpelledPath(path)| path.as_str());
        let path = spelled.unwrap_or(request.uri().path());
        Self(format!("{}{path}", own_url(setting, request)))
    }

    /// The header with links to the pages before and after, each by its `page_info`. `kept` are
    /// the other parameters of the links.
    pub(crate) fn links(
        &self,
        kept: &[(&str, String)],
        previous: Option<&str>,
        next: Option<&str>,
    ) -> HeaderMap {
        let pages = [("previous", previous), ("next", next)].into_iter();
        let links = pages.filter_map(|(relation, page_info)| {
            let mut query = Serializer::new(String::new());
            query.extend_pairs(kept).append_pair("page_info", page_info?);
            Some(format!("<{}?{}>; rel=\"{relation}\"", self.0, query.finish()))
        });
        let links = links.collect::<Vec<_>>().join(", ");
        // A path that no header can hold has no links.
        let value = HeaderValue::from_str(&links).ok().filter(|_| !links.is_empty());
        value.map(|value| (header::LINK, value)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_pages_that_there_are() {
        let url = ListUrl("https://a.example/api/webhooks.json".to_owned());
        let kept = [("limit", "2".to_owned()), ("fields", "id,topic".to_owned())];
        let link = |page_info: &str, relation: &str| {
            format!(
                "<https://a.example/api/webhooks.json?limit=2&fields=id%2Ctopic&page_info={page_info}>; rel=\"{relation}\""
            )
        };
        for (previous, next, expected) in [
            (None, None, None),
            (None, Some("n"), Some(link("n", "next"))),
            (Some("p"), None, Some(link("p", "previous"))),
            (Some("p"), Some("n"), Some(format!("{}, {}", link("p", "previous"), link("n", "next")))),
        ] {
            let headers = url.links(&kept, previous, next);
            let value = headers.get(header::LINK).and_then(|value| value.to_str().ok());
            assert_eq!(value, expected.as_deref());
        }
        let unprintable = ListUrl("https://a.example/\n".to_owned());
        assert!(unprintable.links(&kept, None, Some("n")).is_empty());
    }
}
