//! Sessions: who looks at the panel.
//!
//! A session begins with a token or with a one-time link, and speaks for the token's installation.
//! Its cookie holds a random id; the registry holds the id's hash. It ends 12 hours after its last
//! use, when somebody signs out, or with its token: each request reads the token's item again, as a
//! call of the API does, so rotation and uninstallation end it at once.
//!
//! A change must come from a page of the panel itself ([`origin`]), whatever the cookie says.

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
    http::{admission::time_zone_of, bucket::Count, caller::Caller},
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
    match app.sessions.count_request(&id, item.bucket_empty_at, now).await? {
        Count::Full { seconds, .. } => return Err(ApiError::TooManyCalls { seconds }),
        Count::Gone => return Ok(None),
        Count::Unlimited | Count::Admitted { .. } => {}
    }
    if item.is_due(now) {
        app.sessions.extend(&id, now).await?;
    }
    let caller = Caller { time_zone: time_zone_of(&owner), shop: owner.shop, app: owner.app, token };
    Ok(Some(Session { id, caller, scopes: owner.scopes, now }))
}

/// Leads to the form that signs in, and from there back to this page.
///
/// A browser that follows a link of another site holds the strict cookie back. A page that loads
/// itself again is a navigation within the panel, and brings the cookie if there is one.
fn sign_in_first(request: &Request) -> Response {
    let is_get = !is_change(request.method());
    if is_get && origin::is_from_elsewhere(request.headers()) {
        return reload();
    }
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let back = if is_get && path != "/panel" { format!("?back={}", encoded(path)) } else { String::new() };
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
