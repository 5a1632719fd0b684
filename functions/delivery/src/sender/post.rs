//! The POST of an attempt, in the form of each HTTP version.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Uri,
    header::{ACCEPT, HOST},
};
use http_body_util::Full;
use url::{Position, Url};

use crate::sender::failure::Failure;

/// A POST.
pub(super) struct Post {
    uri: Uri,
    host: HeaderValue,
    headers: HeaderMap,
    body: Bytes,
}

impl Post {
    pub(super) fn new(url: &Url, mut headers: HeaderMap, body: Bytes) -> Result<Self, Failure> {
        let uri = Uri::try_from(url.as_str()).map_err(|error| Failure::Connect(error.into()))?;
        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort])
            .map_err(|error| Failure::Connect(error.into()))?;
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        Ok(Self { uri, host, headers, body })
    }

    /// Where it goes.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// For HTTP/1.1: the target is the path and the query, and the host is a header (RFC 9112
    /// §3.2.1).
    pub(super) fn over_http1(&self) -> Request<Full<Bytes>> {
        let target = self.uri.path_and_query().cloned().map_or_else(Uri::default, Uri::from);
        let mut request = self.to(target);
        request.headers_mut().insert(HOST, self.host.clone());
        request
    }

    /// For HTTP/2: the target is the whole URL (RFC 9113 §8.3.1).
    pub(super) fn over_http2(&self) -> Request<Full<Bytes>> {
        self.to(self.uri.clone())
    }

    fn to(&self, target: Uri) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = target;
        *request.headers_mut() = self.headers.clone();
        request
    }
}
