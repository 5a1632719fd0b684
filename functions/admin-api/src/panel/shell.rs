//! The shell: what every page of the panel has around it, and on its response.
//!
//! Handlers return a [`Page`] or a [`Problem`](crate::panel::problem::Problem); this layer makes a
//! document of it, with the brand, the navigation and what the last change did. Every response is
//! compressed on request, is kept by no cache, cannot be framed, and runs nothing but the panel's
//! own files: the policy allows no inline script, no inline style and no other origin.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{Html, IntoResponse as _, Response},
};
use maud::{DOCTYPE, Markup, html};

use crate::{
    app::App,
    http::caller::Caller,
    panel::{
        assets,
        look::page::{Notice, Page, Tab},
    },
};

/// What browsers may load and do. `data:` images are the operator's logo and the icon.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Makes a document of a page, and sets the headers of every response.
pub(crate) async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let mut response = next.run(request).await;
    if let Some(page) = response.extensions_mut().remove::<Page>() {
        let caller = response.extensions().get::<Caller>();
        let document = document(&app, caller, Notice::of(&query), &page);
        let mut dressed = (response.status(), Html(document.into_string())).into_response();
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

fn document(app: &App, caller: Option<&Caller>, notice: Option<Notice>, page: &Page) -> Markup {
    let is_error = page.status.is_client_error() || page.status.is_server_error();
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
                title { @if is_error { "Error: " } (page.title) " · " (brand.name) }
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
                        p.notice role="status" tabindex="-1" autofocus { (notice.words()) }
                    }
                    (page.body)
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
