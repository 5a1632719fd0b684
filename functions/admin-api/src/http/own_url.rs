//! Where clients reach this API, for responses that lead back to it.
//!
//! It is the operator's setting, or else the domain that API Gateway tells. No header of a client's
//! has a say in it: such a link could lead somewhere else.

use axum::extract::Request;
use lambda_http::request::RequestContext;

/// The URL of the API, without a path: the setting, or the domain that this request came to.
pub(crate) fn own_url(setting: Option<&str>, request: &Request) -> String {
    if let Some(url) = setting {
        return url.to_owned();
    }
    let domain = match request.extensions().get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context.domain_name.as_deref(),
        _ => None,
    };
    format!("https://{}", domain.unwrap_or("localhost"))
}
