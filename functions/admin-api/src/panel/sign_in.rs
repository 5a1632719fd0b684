//! Signing in and out.
//!
//! Somebody signs in with the token of an installation, or with a one-time link. A GET of a link
//! shows a button and uses nothing up, because chat programs and mail scanners follow links too.
//! Attempts from one network are counted, an IPv6 network as its first 64 bits. What can be no
//! token or code by its shape is refused without a call, and not counted.

use std::net::IpAddr;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use lambda_http::request::RequestContext;
use maud::html;
use storehook_domain::{
    input::field_errors::FieldErrors,
    installation::{Scope, token::TokenHash},
};

use crate::{
    app::App,
    error::ApiError,
    http::bucket::Count,
    panel::{
        fields::{Form, Query},
        look::{
            form::Field,
            page::{Notice, Page, done},
        },
        problem::Problem,
        session::{self, Session, cookie, origin},
    },
};

/// Shows the form. `back` is the page that it leads to.
pub(crate) async fn show(Query(query): Query) -> Page {
    form(own_page(query.get("back")), &FieldErrors::default())
}

/// Signs in with a token.
pub(crate) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    network: Network,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let page = own_page(fields.get("back"));
    let token = TokenHash::of_token(fields.get("token").trim());
    let refusal = match admit_attempt(&app, &headers, &network, token).await? {
        None => UNKNOWN_TOKEN,
        Some(token) => match app.tokens.load(&token).await.map_err(ApiError::from)? {
            Some(item) if item.scopes.contains(&Scope::Webhooks) => {
                return Ok(session::begin(&app, &headers, &token, page).await?);
            }
            Some(_) => "lacks the scope webhooks",
            None => UNKNOWN_TOKEN,
        },
    };
    let errors = FieldErrors::one("token", refusal);
    Ok(form(page, &errors).with(StatusCode::UNAUTHORIZED).into_response())
}

const UNKNOWN_TOKEN: &str = "is unknown, or it was revoked";

fn form(back: &str, errors: &FieldErrors) -> Page {
    let token = Field {
        name: "token",
        label: "Access token",
        help: "The token that your app got when it was installed on the shop.",
        errors,
    };
    let body = html! {
        div.narrow {
            h1 { "Sign in" }
            form method="post" action="/panel/sign-in" hx-boost="false" {
                (token.text("", "password"))
                input type="hidden" name="back" value=(back);
                button.primary type="submit" { "Sign in" }
            }
            p.muted { "No token at hand? Ask for a one-time link: the operator makes one with "
                code { "storehook panel-link" } ", and your app's back end with " code { "POST /admin/panel_links.json" } "." }
        }
    };
    Page::outside("Sign in", body)
}

/// Shows the button of a one-time link.
pub(crate) async fn show_link(Query(query): Query) -> Page {
    let body = html! {
        div.narrow {
            h1 { "Sign in with a one-time link" }
            p { "The link works once, for 10 minutes." }
            form method="post" action="/panel/link" hx-boost="false" {
                input type="hidden" name="code" value=(query.get("code"));
                button.primary type="submit" { "Sign in" }
            }
        }
    };
    Page::outside("Sign in", body)
}

/// Uses a one-time link up, and signs in.
pub(crate) async fn use_link(
    State(app): State<App>,
    headers: HeaderMap,
    network: Network,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let code = TokenHash::of_code(fields.get("code"));
    let used = match admit_attempt(&app, &headers, &network, code).await? {
        Some(code) => app.sessions.use_link(&code, storehook_aws::now()).await.map_err(ApiError::from)?,
        None => None,
    };
    let Some(link) = used else { return Ok(used_up().into_response()) };
    let Some(token) = link.token() else { return Ok(used_up().into_response()) };
    match app.tokens.load(&token).await.map_err(ApiError::from)? {
        Some(owner) if link.is_valid(owner.sessions_since) => {
            Ok(session::begin(&app, &headers, &token, "/panel").await?)
        }
        _ => Ok(used_up().into_response()),
    }
}

fn used_up() -> Page {
    let body = html! {
        h1 { "This link does not work any more" }
        p { "It was used, or it is older than 10 minutes. Ask for another one, or "
            a href="/panel/sign-in" { "sign in with a token" } "." }
    };
    Page::outside("This link does not work any more", body).with(StatusCode::GONE)
}

/// Signs out: this session, or all of the installation.
pub(crate) async fn sign_out(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let notice = if fields.has("everywhere") {
        app.sessions.end_all(&session.caller.token, storehook_aws::now()).await.map_err(ApiError::from)?;
        Notice::SignedOutEverywhere
    } else {
        Notice::SignedOut
    };
    app.sessions.end(&session.id).await.map_err(ApiError::from)?;
    let mut response = done("/panel/sign-in", notice);
    response.headers_mut().extend(cookie::end(&headers).map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

/// Refuses an attempt from another site's page, and too many from one network. Returns what is to
/// be looked up, if anything is.
async fn admit_attempt(
    app: &App,
    headers: &HeaderMap,
    network: &Network,
    given: Option<TokenHash>,
) -> Result<Option<TokenHash>, Problem> {
    if !origin::is_own(headers) {
        return Err(Problem::ForeignPage);
    }
    if given.is_none() {
        return Ok(None);
    }
    let count = app.sessions.count_attempt(&network.0, storehook_aws::now()).await.map_err(ApiError::from)?;
    match count {
        Count::Full { seconds, .. } => Err(ApiError::TooManyCalls { seconds }.into()),
        Count::Unlimited | Count::Gone | Count::Admitted { .. } => Ok(given),
    }
}

/// The page of the panel that somebody wanted to see; the overview instead of anything else.
fn own_page(back: &str) -> &str {
    let is_own = ["/panel", "/panel/", "/panel?"].iter().any(|start| match start.strip_suffix(['/', '?']) {
        Some(_) => back.starts_with(start),
        None => back == *start,
    });
    let is_plain = back.bytes().all(|byte| byte.is_ascii_graphic()) && !back.contains('\\');
    if is_own && is_plain { back } else { "/panel" }
}

/// The network that a request comes from, as API Gateway saw it: no header of the client's.
pub(crate) struct Network(String);

impl<S: Sync> axum::extract::FromRequestParts<S> for Network {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        let address = match parts.extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
            _ => None,
        };
        Ok(Self(network_of(address.unwrap_or("unknown"))))
    }
}

fn network_of(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_pages_of_the_panel_alone() {
        for (back, expected) in [
            ("/panel/webhooks?page=2", "/panel/webhooks?page=2"),
            ("/panel?done=saved", "/panel?done=saved"),
            ("/panel", "/panel"),
            ("", "/panel"),
            ("//evil.example", "/panel"),
            ("/panelevil", "/panel"),
            ("https://evil.example/panel/", "/panel"),
            ("/panel/\\evil", "/panel"),
            ("/panel/\r\nSet-Cookie: a", "/panel"),
        ] {
            assert_eq!(own_page(back), expected, "{back}");
        }
    }

    #[test]
    fn an_ipv6_network_is_counted_as_one() {
        assert_eq!(network_of("203.0.113.7"), "203.0.113.7");
        assert_eq!(network_of("2001:db8:1:2:3:4:5:6"), network_of("2001:db8:1:2::1"));
        assert_ne!(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:3::1"));
    }
}
