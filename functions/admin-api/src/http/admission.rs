//! Admission: which installation a request speaks for, and whether it may.
//!
//! The token may come in any of the four ways that clients of this family of APIs send
//! it. It is looked up by its hash; nothing compares tokens themselves. A known token's call
//! of a route is counted, whatever becomes of it, and its answer says how many there are;
//! then the token must have the scope that the route asks for. Who asks is not always in
//! `Authorization`, so no cache may keep an answer.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::tz::TimeZone;
use storehook_aws::registry::TokenItem;
use storehook_domain::installation::{Scope, app::AppId, shop::ShopDomain, token::TokenHash};

use crate::{App, error::ApiError, http::call_limit::Count};

/// An installation that may do what it asks for. Handlers find it in the request's extensions.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) shop: ShopDomain,
    pub(crate) app: AppId,
    pub(crate) time_zone: TimeZone,
}

/// What stands before some routes.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) app: App,
    /// What a token must be allowed to do.
    pub(crate) scope: Scope,
}

/// Lets a request through to its handler, as its caller, or answers it.
pub(crate) async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let (token, item) = match known_token(&gate.app, request.headers()).await {
        Ok(found) => found,
        Err(error) => return error.into_response(),
    };
    let now = storehook_aws::now();
    let count = match gate.app.call_limit.count(&token, item.bucket_empty_at, now).await {
        Ok(count) => count,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let caller = Caller { time_zone: time_zone_of(&item), shop: item.shop, app: item.app };
    let mut response = match refusal(count, &item.scopes, gate.scope) {
        Some(error) => error.into_response(),
        None => {
            request.extensions_mut().insert(caller.clone());
            next.run(request).await
        }
    };
    response.extensions_mut().insert(caller);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    tell_count(&mut response, &gate.app.settings.call_limit_header, count);
    response
}

/// A zone is checked when the app is installed; one that has been renamed since must not lock the app out.
fn time_zone_of(item: &TokenItem) -> TimeZone {
    TimeZone::get(&item.time_zone).unwrap_or_else(|error| {
        tracing::warn!(error = storehook_aws::causes(&error), caller.shop = %item.shop, "time zone unknown; UTC it is");
        TimeZone::UTC
    })
}

async fn known_token(app: &App, headers: &HeaderMap) -> Result<(TokenHash, TokenItem), ApiError> {
    let token = TokenHash::of(&token_of(headers).ok_or(ApiError::Unauthorized)?);
    let item = app.store.token(&token).await?.ok_or(ApiError::Unauthorized)?;
    Ok((token, item))
}

fn refusal(count: Count, scopes: &[Scope], wanted: Scope) -> Option<ApiError> {
    match count {
        Count::Gone => Some(ApiError::Unauthorized),
        Count::Full { seconds, .. } => Some(ApiError::TooManyCalls { seconds }),
        Count::Unlimited | Count::Admitted { .. } => {
            (!scopes.contains(&wanted)).then_some(ApiError::MissingScope(wanted))
        }
    }
}

/// Says how many calls there are, under the platform's name and under the one that clients of this
/// family of APIs look for.
fn tell_count(response: &mut Response, name: &HeaderName, count: Count) {
    let (level, burst) = match count {
        Count::Admitted { level, burst } => (level, burst),
        Count::Full { burst, .. } => (burst, burst),
        Count::Unlimited | Count::Gone => return,
    };
    if let Ok(value) = HeaderValue::from_str(&format!("{level}/{burst}")) {
        response.headers_mut().insert(name, value.clone());
        response.headers_mut().insert(HeaderName::from_static("x-shopify-shop-api-call-limit"), value);
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
