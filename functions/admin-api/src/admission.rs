//! The caller: which installation a request speaks for.
//!
//! The token may come in any of the four ways that clients of this family of APIs send
//! it. It is looked up by its hash; nothing compares tokens themselves.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::tz::TimeZone;
use storehook_aws::registry::TokenItem;
use storehook_domain::{AppId, Scope, ShopDomain, TokenHash};

use crate::{App, error::ApiError};

/// An installation that may manage webhooks.
pub(crate) struct Caller {
    pub(crate) shop: ShopDomain,
    pub(crate) app: AppId,
    pub(crate) time_zone: TimeZone,
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = token_of(&parts.headers).ok_or(ApiError::Unauthorized)?;
        let item = app.store.token(&TokenHash::of(&token)).await?.ok_or(ApiError::Unauthorized)?;
        let TokenItem { shop, app, scopes, time_zone, .. } = item;
        if !scopes.contains(&Scope::Webhooks) {
            return Err(ApiError::MissingScope);
        }
        // A zone is checked when the app is installed; one that has been renamed since
        // must not lock the app out.
        let time_zone = TimeZone::get(&time_zone).unwrap_or(TimeZone::UTC);
        Ok(Self { shop, app, time_zone })
    }
}

/// The token that a request carries: `X-Spiffy-Stores-Access-Token`,
/// `X-Shopify-Access-Token`, `Authorization: Bearer`, or the password of Basic.
fn token_of(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let plain = text("x-spiffy-stores-access-token").or_else(|| text("x-shopify-access-token"));
    if let Some(token) = plain {
        return Some(token.to_owned());
    }
    let (scheme, credentials) = text(header::AUTHORIZATION.as_str())?.split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
        return pair.split_once(':').map(|(_, token)| token.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_come_in_four_ways() {
        for (name, value, token) in [
            ("authorization", "Bearer abc", Some("abc")),
            ("authorization", "bearer  abc ", Some("abc")),
            ("authorization", "Basic a2V5OmFiYw==", Some("abc")),
            ("authorization", "Basic a2V5OmE6Yg==", Some("a:b")),
            ("x-spiffy-stores-access-token", "abc", Some("abc")),
            ("x-shopify-access-token", "abc", Some("abc")),
            ("authorization", "Basic ###", None),
            ("authorization", "Basic a2V5", None),
            ("authorization", "Digest abc", None),
            ("authorization", "abc", None),
            ("cookie", "token=abc", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(token_of(&headers).as_deref(), token, "{name}: {value}");
        }
    }
}
