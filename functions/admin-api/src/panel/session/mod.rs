//! Sessions: who looks at the panel.
//!
//! A session begins with a token or with a one-time link, and speaks for the token's installation.
//! Its cookie holds a random id; the registry holds the id's hash. It ends 12 hours after its last
//! use, when somebody signs out, or with its token: each request reads the token's item again, as a
//! call of the API does, so rotation and uninstallation end it at once.
//!
//! A page that asks for a part of itself is no use of a session: one that is left open must not
//! keep it. A change must come from a page of the panel itself ([`origin`]), whatever the cookie says.

pub(crate) mod store;

pub(crate) mod cookie;
pub(crate) mod origin;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use jiff::Timestamp;
use storehook_domain::installation::{Scope, token::TokenHash};

use crate::{
    app::App,
    error::ApiError,
    http::{bucket::Count, caller::Caller},
    panel::{look::page::reload, problem::Problem},
};

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: TokenHash,
    pub(crate) caller: Caller,
    pub(crate) scopes: Vec<Scope>,
    /// When the request began.
    pub(crate) now: Timestamp,
}

impl Session {
    /// Refuses a session whose token lacks a scope.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(ApiError::MissingScope(scope)) }
    }
}

/// Hands a request to its page with its [`Session`], or asks to sign in.
pub(crate) async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let session = match open(&app, request.headers()).await {
        Ok(Some(session)) => session,
        Ok(None) => return sign_in_first(&request),
        Err(error) => return Problem::from(error).into_response(),
    };
    let caller = session.caller.clone();
    let mut response = if is_change(request.method()) && !origin::is_own(request.headers()) {
        Problem::ForeignPage.into_response()
    } else if let Err(error) = session.require(Scope::Webhooks) {
        Problem::from(error).into_response()
    } else {
        request.extensions_mut().insert(session);
        next.run(request).await
    };
    response.extensions_mut().insert(caller);
    response
}

fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// Whether a page asks for a part of itself again. Links and forms are boosted.
fn is_live(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request") && !headers.contains_key("hx-boosted")
}

/// The session of a request's cookie, if it is still good.
async fn open(app: &App, headers: &HeaderMap) -> Result<Option<Session>, ApiError> {
    let now = storehook_aws::now();
    let Some(id) = cookie::session_id(headers).and_then(TokenHash::of_code) else { return Ok(None) };
    let Some(item) = app.sessions.load(&id).await? else { return Ok(None) };
    let Some(token) = item.token() else { return Ok(None) };
    let Some(owner) = app.tokens.load(&token).await? else { return Ok(None) };
    if !item.is_valid(owner.sessions_since, now) {
        return Ok(None);
    }
    match app.sessions.count_request(&token, owner.panel_bucket_empty_at, now).await? {
        Count::Full { seconds, .. } => return Err(ApiError::TooManyCalls { seconds }),
        Count::Gone => return Ok(None),
        Count::Unlimited | Count::Admitted { .. } => {}
    }
    if item.is_due(now) && !is_live(headers) {
        app.sessions.extend(&id, now).await?;
    }
    let scopes = owner.scopes.clone();
    Ok(Some(Session { id, caller: Caller::of(token, owner), scopes, now }))
}

/// Leads to the form that signs in, and from there back to this page; after a form, to its page.
///
/// A browser that follows a link of another site holds the strict cookie back. A page that loads
/// itself again is a navigation within the panel, and brings the cookie if there is one.
fn sign_in_first(request: &Request) -> Response {
    let is_get = !is_change(request.method());
    if is_get && origin::is_from_elsewhere(request.headers()) {
        return reload();
    }
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let from = origin::own_referer(request.headers());
    let back = if is_get { Some(path) } else { from.as_deref() }.filter(|path| *path != "/panel");
    let back = back.map(|path| format!("?back={}", encoded(path))).unwrap_or_default();
    Redirect::to(&format!("/panel/sign-in{back}")).into_response()
}

/// A text as the value of a query's parameter.
pub(crate) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Begins a session for a token, and leads to a page.
pub(crate) async fn begin(
    app: &App,
    headers: &HeaderMap,
    token: &TokenHash,
    page: &str,
) -> Result<Response, ApiError> {
    let id = storehook_aws::random_text()?;
    app.sessions.put(&TokenHash::of(&id), token, storehook_aws::now()).await?;
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response();
    response.headers_mut().extend(cookie::begin(headers, &id).map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn signing_in_leads_back_to_the_page_of_a_link_or_a_form() -> Result<(), axum::http::Error> {
        let edit = "https://a.example/panel/webhooks/7/edit";
        for (method, path, referer, expected) in [
            ("GET", "/panel", "", "/panel/sign-in"),
            ("GET", "/panel/topics", edit, "/panel/sign-in?back=%2Fpanel%2Ftopics"),
            ("POST", "/panel/webhooks/7", edit, "/panel/sign-in?back=%2Fpanel%2Fwebhooks%2F7%2Fedit"),
            ("POST", "/panel/webhooks/7", "https://b.example/panel/push", "/panel/sign-in"),
            ("POST", "/panel/webhooks/7", "", "/panel/sign-in"),
        ] {
            let request = Request::builder().method(method).uri(path).header("host", "a.example");
            let response = sign_in_first(&request.header("referer", referer).body(Body::empty())?);
            assert_eq!(response.headers()[header::LOCATION], expected, "{method} {path}");
        }
        Ok(())
    }

    #[test]
    fn a_part_that_follows_something_is_no_use_of_the_session() {
        for (names, expected) in
            [(&[][..], false), (&["hx-request", "hx-boosted"], false), (&["hx-request"], true)]
        {
            let line = |name: &&'static str| (header::HeaderName::from_static(name), "true".parse().ok());
            let lines = names.iter().map(line).filter_map(|(name, value)| Some((name, value?)));
            assert_eq!(is_live(&lines.collect()), expected, "{names:?}");
        }
    }
}
