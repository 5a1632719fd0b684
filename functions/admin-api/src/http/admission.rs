//! Admission: which installation a request speaks for, and whether it may.
//!
//! The token comes in one of the four ways that clients of this family of APIs send it, and is
//! looked up by its hash: nothing compares tokens themselves. What can be no token by its shape is
//! refused without a look-up. Every call of a route with a known
//! token is counted, and its response tells the level of the bucket. Then the token must have the
//! scope of the route. Not every token comes in `Authorization`, so responses forbid caching.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use storehook_aws::registry::TokenItem;
use storehook_domain::installation::{Scope, token::TokenHash};

use crate::{
    error::ApiError,
    http::{bucket::Count, call_limit::CallLimit, caller::Caller, tokens::TokenStore},
};

/// The gate before some routes, and the scope that it asks for.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) tokens: TokenStore,
    pub(crate) call_limit: CallLimit,
    /// The platform's own name for the header that tells the level of the bucket.
    pub(crate) call_limit_header: HeaderName,
    pub(crate) scope: Scope,
}

/// Hands a request to its handler with its [`Caller`], or refuses it.
pub(crate) async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let (token, item) = match load_token(&gate.tokens, request.headers()).await {
        Ok(found) => found,
        Err(error) => return error.into_response(),
    };
    let now = storehook_aws::now();
    let count = match gate.call_limit.count(&token, item.bucket_empty_at, now).await {
        Ok(count) => count,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let refused = refusal(count, &item.scopes, gate.scope);
    let caller = Caller::of(token, item);
    let mut response = match refused {
        Some(error) => error.into_response(),
        None => {
            request.extensions_mut().insert(caller.clone());
            next.run(request).await
        }
    };
    response.extensions_mut().insert(caller);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    add_count(&mut response, &gate.call_limit_header, count);
    response
}

async fn load_token(tokens: &TokenStore, headers: &HeaderMap) -> Result<(TokenHash, TokenItem), ApiError> {
    let token = token_of(headers).and_then(|token| TokenHash::of_token(&token));
    let token = token.ok_or(ApiError::Unauthorized)?;
    let item = tokens.load(&token).await?.ok_or(ApiError::Unauthorized)?;
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

/// Adds the level of the bucket, under the platform's header and under the one that clients of this
/// family of APIs read.
fn add_count(response: &mut Response, name: &HeaderName, count: Count) {
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
