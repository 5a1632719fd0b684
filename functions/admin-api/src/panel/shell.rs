//! The shell: what every page of the panel has around it, and on its response.
//!
//! Handlers return a [`Page`] or a [`Problem`]; this layer makes a
//! document of it, with the brand, the navigation and what the last change did. Every response is
//! compressed on request, is kept by no cache, cannot be framed, and runs nothing but the panel's
//! own files: the policy allows no inline script, no inline style and no other origin.
//!
//! A handler that panics or takes too long has a page as well. Where htmx sent a form and something
//! went wrong, the page with the form stays at its URL: only a [`Banner`] is put on it.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse as _, Response},
};
use maud::{DOCTYPE, Markup, html};

use crate::{
    app::App,
    http::{
        caller::Caller,
        request_log::{self, REQUEST_TIMEOUT},
    },
    panel::{
        assets,
        look::page::{Notice, Page, Tab},
        problem::{Banner, Problem},
    },
};

/// What browsers may load and do. `data:` images are the operator's logo and the icon.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// How long a page may take: less than a request, so that the response is a page.
const TIMEOUT: Duration = REQUEST_TIMEOUT.saturating_sub(Duration::from_secs(1));

/// Makes a document of a page, and sets the headers of every response.
pub(crate) async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let id = request_log::id_of(&request);
    // After a redirect, a browser asks with the same headers, but with GET.
    let is_form_of_htmx = request.method() == Method::POST && request.headers().contains_key("hx-boosted");
    let handled = request_log::within(TIMEOUT, next.run(request)).await;
    let mut response = handled.unwrap_or_else(|error| Problem::from(error).into_response());
    let banner = response.extensions_mut().remove::<Banner>().filter(|_| is_form_of_htmx);
    if let Some(page) = response.extensions_mut().remove::<Page>() {
        let id = id.filter(|_| page.status.is_server_error());
        let is_banner = banner.is_some();
        let text = match banner {
            Some(Banner(banner)) => html! { (banner) (quotable(id.as_deref())) },
            None => {
                let notice = Notice::of(&query);
                document(&app, response.extensions().get::<Caller>(), notice, &page, id.as_deref())
            }
        };
        let mut dressed = (response.status(), Html(text.into_string())).into_response();
        if is_banner {
            let place = [("hx-retarget", "#problem"), ("hx-reswap", "innerHTML")];
            dressed.headers_mut().extend(
                place.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))),
            );
        }
        if is_form_of_htmx && is_error(page.status) {
            dressed.headers_mut().insert("hx-push-url", HeaderValue::from_static("false"));
        }
        for (name, value) in response.headers() {
            if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
                dressed.headers_mut().append(name, value.clone());
            }
        }
        dressed.extensions_mut().extend(response.extensions().clone());
        response = dressed;
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Without any referrer, browsers send `Origin: null` with forms.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// The request's id: who quotes it helps to find the cause in the log.
fn quotable(id: Option<&str>) -> Markup {
    html! { @if let Some(id) = id { p.muted { "The request's id is " code { (id) } "." } } }
}

fn document(
    app: &App,
    caller: Option<&Caller>,
    notice: Option<Notice>,
    page: &Page,
    id: Option<&str>,
) -> Markup {
    let is_recorded = app.deliveries.is_recorded();
    let brand = &app.settings.brand;
    let links = app.assets.links(brand);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                meta name="htmx-config" content=(assets::HTMX_CONFIG);
                title { @if is_error(page.status) { "Error: " } (page.title) " · " (brand.name) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(links.style);
                script src=(links.htmx) defer {}
                script src=(links.script) defer {}
            }
            body hx-boost="true" {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/panel" {
                        @if let Some(logo) = &brand.logo { img src=(logo) alt="" height="24"; }
                        (brand.name)
                    }
                    @if let Some(caller) = caller { (who(caller)) }
                }
                @if caller.is_some() { (navigation(page.tab)) }
                main id="main" tabindex="-1" {
                    @if let Some(notice) = notice {
                        p.notice role="status" tabindex="-1" autofocus { (notice.words(is_recorded)) }
                    }
                    div id="problem" {}
                    (page.body)
                    (quotable(id))
                    p.sr id="announced" role="status" {}
                }
            }
        }
    }
}

fn who(caller: &Caller) -> Markup {
    html! {
        div.who {
            span { (caller.app.as_str()) " on " (caller.shop.as_str()) }
            form method="post" action="/panel/sign-out" hx-boost="false" {
                button.quiet type="submit" { "Sign out" }
                button.quiet type="submit" name="everywhere" value="1" { "Sign out everywhere" }
            }
        }
    }
}

fn navigation(current: Option<Tab>) -> Markup {
    html! {
        nav.tabs aria-label="Panel" {
            ul {
                @for tab in Tab::ALL {
                    @let (path, name) = tab.link();
                    li { a href=(path) aria-current=[(current == Some(tab)).then_some("page")] { (name) } }
                }
            }
        }
    }
}
